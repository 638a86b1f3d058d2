package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hunting-exporter/demo"
)

// adopting is a dataset that has been exported to lake and Kafka, and its commands.
type adopting struct {
	*matrix
	t *testing.T
}

func newAdopting(t *testing.T) adopting {
	t.Helper()
	a := adopting{newMatrix(t), t}
	a.kafka(t)
	a.env["KAFKA_BROKERS"] = a.broker
	a.run(a.env, 0, `"rows":100`, "run")
	a.env["EXPORT_LAG"] = "0s"
	return a
}

// run is one command, which must end so and say so.
func (a adopting) run(env map[string]string, code int, says string, args ...string) {
	a.t.Helper()
	got, out, errs := runChild(a.t, env, args...)
	if got != code || !strings.Contains(out+errs, says) {
		a.t.Fatalf("%v: exit code %d, want %d and %q\n%s%s", args, got, code, says, out, errs)
	}
}

// untouched fails if do changes anything in the lake.
func (a adopting) untouched(do func()) {
	a.t.Helper()
	before := kept(a.t, a.env["LAKE_URL"])
	do()
	if after := kept(a.t, a.env["LAKE_URL"]); len(after) != len(before) {
		a.t.Errorf("%d files before, %d after", len(before), len(after))
	} else {
		for path, sum := range before {
			if after[path] != sum {
				a.t.Errorf("%s was changed", path)
			}
		}
	}
}

func (a adopting) events(topic string, want int) {
	a.t.Helper()
	records, err := demo.ReadCommitted(a.t.Context(), a.broker, topic)
	if err != nil || len(records) != want {
		a.t.Errorf("%d events, want %d; %v", len(records), want, err)
	}
}

// TestAdoptKeepsWhatIsNotSet: a variable that is missing in the shell of `state adopt`
// drops no destination and changes no meaning.
func TestAdoptKeepsWhatIsNotSet(t *testing.T) {
	t.Parallel()
	a := newAdopting(t)
	a.untouched(func() {
		a.run(with(a.env, "KAFKA_BROKERS", ""), 0, "nothing to adopt", "state", "adopt", "AlertInfo", "--yes")
		bare := map[string]string{"STATE_URL": stateOrLake(a.env)}
		a.run(bare, 0, "nothing to adopt", "state", "adopt", "--all", "--yes")
		a.run(with(a.env, "KAFKA_BROKERS", ""), 2, "state adopt", "run")
	})
	a.run(a.env, 0, `"events":50`, "run")
	a.events("defender.AlertInfo", 150)
}

// TestAdoptDropsByWordAlone: Kafka ends when a person says so, and what was sent stays.
func TestAdoptDropsByWordAlone(t *testing.T) {
	t.Parallel()
	a := newAdopting(t)
	without := with(a.env, "KAFKA_BROKERS", "")
	a.untouched(func() {
		a.run(a.env, 2, "KAFKA_BROKERS is set", "state", "adopt", "AlertInfo", "--drop", "kafka", "--yes")
		a.run(without, 2, "lake or kafka", "state", "adopt", "AlertInfo", "--drop", "siem", "--yes")
		a.run(without, 2, "topic (KAFKA_TOPIC): defender.{table} → none", "state", "adopt", "AlertInfo", "--drop", "kafka")
	})
	a.run(without, 0, "AlertInfo: done", "state", "adopt", "AlertInfo", "--drop", "kafka", "--yes")
	a.run(without, 0, `"rows":50`, "run")
	a.events("defender.AlertInfo", 100)
}

// TestAdoptShowsOldAndNew: all that differs is shown and, once accepted, in force: the
// other tenant's rows from then on, on the other topic.
func TestAdoptShowsOldAndNew(t *testing.T) {
	t.Parallel()
	a := newAdopting(t)
	truth := a.tenant.Tenant
	other := with(with(a.env, anotherTenant(t, a.matrix)...), "KAFKA_TOPIC", "siem.{table}")
	fill(t, a.tenant.Tenant, "AlertInfo", a.began.Add(-30*time.Second), 10)
	a.tenantFile(other)
	a.untouched(func() {
		a.run(other, 2, "--yes", "state", "adopt", "AlertInfo")
		a.run(other, 2, "tenant (AZURE_TENANT_ID): "+truth.TenantID()+" → 11111111", "state", "adopt", "AlertInfo")
		a.run(other, 2, "topic (KAFKA_TOPIC): defender.{table} → siem.{table}", "state", "adopt", "AlertInfo")
		a.run(other, 2, "state adopt", "run")
		a.run(other, 2, "state adopt", "run", "--dry-run")
	})
	a.run(other, 0, "AlertInfo: done", "state", "adopt", "AlertInfo", "--yes")
	a.run(other, 0, `"rows":10`, "run")
	a.events("siem.AlertInfo", 10)
	a.events("defender.AlertInfo", 100)
	a.run(a.env, 2, "state adopt", "run")
}

// tenantFile makes an environment trust the certificate of the tenant in use.
func (a adopting) tenantFile(env map[string]string) {
	a.t.Helper()
	file, err := a.tenant.CertFile()
	if err != nil {
		a.t.Fatal(err)
	}
	env["SSL_CERT_FILE"] = file
}

// TestAdoptAsks: on a terminal a person is asked, and anything but yes changes nothing.
func TestAdoptAsks(t *testing.T) {
	t.Parallel()
	a := newAdopting(t)
	ask := func(answer io.Reader) (code int, out string) {
		var o, e bytes.Buffer
		env := with(a.env, "KAFKA_TOPIC", "siem.{table}")
		c := &cli{out: &o, err: &e, in: answer, asks: true, environ: environ(env), exit: func(int) {}}
		code = c.main(t.Context(), []string{"state", "adopt", "AlertInfo"})
		return code, o.String() + e.String()
	}
	a.untouched(func() {
		for _, no := range []string{"", "\n", "n\n", "yess\n"} {
			if code, out := ask(strings.NewReader(no)); code != 2 || !strings.Contains(out, "nothing is changed") {
				t.Errorf("%q: exit code %d: %s", no, code, out)
			}
		}
	})
	if code, out := ask(strings.NewReader("Y\n")); code != 0 || !strings.Contains(out, "done") {
		t.Errorf("exit code %d: %s", code, out)
	}
}

// TestAdoptOfAQuery: an edited query is accepted by word, with its new fingerprint, and the
// table of the same name stays what it is where no query is configured.
func TestAdoptOfAQuery(t *testing.T) {
	t.Parallel()
	m := newMatrix(t)
	a := adopting{m, t}
	m.env = with(m.env, asQuery("", alertQuery)(t, m)...)
	a.run(m.env, 0, `"rows":100`, "run")
	asQuery("", strings.Replace(alertQuery, "\n", "\n| where Title != ''\n", 1))(t, m)
	m.env["EXPORT_LAG"] = "0s"
	a.untouched(func() {
		a.run(m.env, 2, "give the query a name of its own", "run")
		a.run(with(m.env, "EXPORT_QUERIES", ""), 0, "nothing to adopt", "state", "adopt", "AlertInfo", "--yes")
		a.run(m.env, 2, "text of the query (EXPORT_QUERIES): ", "state", "adopt", "AlertInfo")
	})
	a.run(m.env, 0, "done", "state", "adopt", "AlertInfo", "--yes")
	a.run(m.env, 0, `"rows":50`, "run")
	v, err := verify(t, m.env["LAKE_URL"], m.tenant.Tenant, "AlertInfo", m.began.Add(-3*time.Hour), time.Now())
	if err != nil || !v.Complete() || v.Truth != 150 {
		t.Errorf("%+v, %v", v, err)
	}
}

// TestAdoptAnotherAPI: the rows of all flavours are the same, so going over to another one
// repeats none and loses none of what comes in from then on.
func TestAdoptAnotherAPI(t *testing.T) {
	t.Parallel()
	m := newMatrix(t)
	a := adopting{m, t}
	m.env["SOURCE_API"] = "m365d"
	a.run(m.env, 0, `"rows":100`, "run")
	m.env["EXPORT_LAG"] = "0s"
	graph := with(m.env, "SOURCE_API", "graph")
	a.untouched(func() {
		a.run(with(m.env, "SOURCE_API", ""), 0, "nothing to adopt", "state", "adopt", "--all", "--yes")
	})
	a.run(graph, 0, "API (SOURCE_API): m365d → graph", "state", "adopt", "--all", "--yes")
	for _, rows := range []string{`"rows":50`, `"rows":0`} {
		a.run(graph, 0, rows, "run")
	}
	v, err := verify(t, m.env["LAKE_URL"], m.tenant.Tenant, "AlertInfo", m.began.Add(-3*time.Hour), time.Now())
	if err != nil || !v.Complete() || v.Truth != 150 {
		t.Errorf("%+v, %v", v, err)
	}
}

// TestDeletedMeta: _meta/ deleted below a lake with files: nothing is exported again. A
// person says where the files end, and the new state goes on there.
func TestDeletedMeta(t *testing.T) {
	t.Parallel()
	for _, gone := range []string{"_meta", "_meta/state"} {
		t.Run(gone, func(t *testing.T) {
			t.Parallel()
			m := newMatrix(t)
			a := adopting{m, t}
			rep := exportHere(t, m.tenant, m.env)
			if rep.Rows != 100 {
				t.Fatalf("%+v", rep)
			}
			if err := os.RemoveAll(filepath.Join(m.env["LAKE_URL"], gone)); err != nil {
				t.Fatal(err)
			}
			m.env["EXPORT_LAG"] = "0s"
			a.untouched(func() {
				a.run(m.env, 2, "AlertInfo has no state, yet", "run")
				a.run(m.env, 2, "AlertInfo has no state, yet", "run", "--dry-run")
				a.run(m.env, 2, "--start", "state", "adopt", "AlertInfo", "--yes")
				a.run(m.env, 2, "--start is for one dataset", "state", "adopt", "--all", "--start", "1h", "--yes")
				a.run(m.env, 2, "in the future", "state", "adopt", "AlertInfo", "--start", "2999-01-01T00:00:00Z", "--yes")
			})
			a.run(m.env, 0, "done", "state", "adopt", "AlertInfo", "--yes", "--start", rep.Datasets[0].Watermark.Format(time.RFC3339Nano))
			a.run(m.env, 0, `"rows":50`, "run")
		})
	}
}

// TestOtherFilesAreNoReason: a lake that holds files of other tables is begun as ever.
func TestOtherFilesAreNoReason(t *testing.T) {
	t.Parallel()
	m := newMatrix(t)
	if rep := exportHere(t, m.tenant, m.env); rep.Code != 0 {
		t.Fatalf("%+v", rep)
	}
	fill(t, m.tenant.Tenant, "AlertEvidence", m.began.Add(-20*time.Minute), 10)
	if rep := exportHere(t, m.tenant, with(m.env, "EXPORT_TABLES", "AlertEvidence")); rep.Code != 0 || rep.Rows != 10 {
		t.Errorf("%+v", rep)
	}
}

// TestAdoptsAnotherStatesLake: commits go on after those that the lake has of another state,
// and a state that the lake is ahead of is not adopted.
func TestAdoptsAnotherStatesLake(t *testing.T) {
	t.Parallel()
	a := adopting{newMatrix(t), t}
	lost, kept := with(a.env, "STATE_URL", t.TempDir()), with(a.env, "STATE_URL", t.TempDir(), "LAKE_URL", t.TempDir())
	a.run(kept, 0, `"rows":100`, "run")
	a.run(lost, 0, `"rows":100`, "run")
	a.run(with(lost, "EXPORT_LAG", "0s"), 0, `"rows":50`, "run")
	kept = with(kept, "LAKE_URL", a.env["LAKE_URL"], "EXPORT_LAG", "0s")
	a.run(kept, 0, "AlertInfo: done", "state", "adopt", "AlertInfo", "--yes")
	backup := filepath.Join(kept["STATE_URL"], "state", "AlertInfo.json")
	old, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	a.run(kept, 0, `"rows":50`, "run")
	if err := os.WriteFile(backup, old, 0o600); err != nil {
		t.Fatal(err)
	}
	a.untouched(func() {
		a.run(kept, 2, "restored from a backup", "run")
		a.run(kept, 2, "restored from a backup", "run", "--dry-run")
		a.run(kept, 2, "restored from a backup", "state", "adopt", "AlertInfo", "--yes")
	})
}
