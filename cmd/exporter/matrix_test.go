package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"hunting-exporter/config"
	"hunting-exporter/demo"
	"hunting-exporter/tenant"
)

// changed is one setting of a dataset that has been exported, changed before the next run.
type changed struct {
	what          string
	first, second func(t *testing.T, m *matrix) []string // pairs of variable and value
	refusal       string                                 // the second run says so, exits 2 and changes nothing; empty: it exits 0 and every sink equals the truth
	events        int                                    // in Kafka afterwards
}

// matrix is a tenant whose rows the second run finds more of than the first.
type matrix struct {
	env     map[string]string
	tenant  *demo.Server
	began   time.Time
	cluster *kfake.Cluster
	broker  string // empty: no Kafka
	queries string
}

const alertQuery = "AlertInfo\n| where Timestamp >= _startTime and Timestamp < _endTime\n| extend _IngestionTime = ingestion_time()\n"

func newMatrix(t *testing.T) *matrix {
	t.Helper()
	m := &matrix{began: time.Now(), queries: t.TempDir()}
	m.tenant, m.env = served(t, tenant.Options{CallsPerMinute: -1, Domain: "contoso.example"})
	m.env["EXPORT_TABLES"], m.env["EXPORT_START"], m.env["EXPORT_LAG"] = "AlertInfo", "3h", "10m"
	fill(t, m.tenant.Tenant, "AlertInfo", m.began.Add(-20*time.Minute), 100)
	fill(t, m.tenant.Tenant, "AlertInfo", m.began.Add(-time.Minute), 50) // for the second run
	return m
}

// kafka makes events as well.
func (m *matrix) kafka(t *testing.T, o ...kfake.Opt) {
	t.Helper()
	c, err := kfake.NewCluster(append(o, kfake.NumBrokers(1), kfake.DefaultNumPartitions(3), kfake.AllowAutoTopicCreation())...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	m.cluster, m.broker = c, c.ListenAddrs()[0]
}

// set gives pairs that depend on nothing.
func set(pairs ...string) func(*testing.T, *matrix) []string {
	return func(*testing.T, *matrix) []string { return pairs }
}

// asQuery makes AlertInfo a custom query of this head and text.
func asQuery(head, text string) func(*testing.T, *matrix) []string {
	return func(t *testing.T, m *matrix) []string {
		t.Helper()
		if err := os.WriteFile(filepath.Join(m.queries, "a.kql"), []byte("// name: AlertInfo\n"+head+text), 0o600); err != nil {
			t.Fatal(err)
		}
		return []string{"EXPORT_QUERIES", m.queries, "EXPORT_TABLES", ""}
	}
}

func withKafka(t *testing.T, m *matrix) []string {
	t.Helper()
	m.kafka(t)
	return []string{"KAFKA_BROKERS", m.broker}
}

func anotherCluster(t *testing.T, m *matrix) []string {
	t.Helper()
	m.kafka(t, kfake.ClusterID("another"))
	return []string{"KAFKA_BROKERS", m.broker}
}

func aFolder(variable string) func(*testing.T, *matrix) []string {
	return func(t *testing.T, m *matrix) []string {
		t.Helper()
		return []string{variable, t.TempDir(), "STATE_URL", stateOrLake(m.env)}
	}
}

func stateOrLake(env map[string]string) string { return filepath.Join(env["LAKE_URL"], "_meta") }

const adopts = "exporter state adopt AlertInfo"

// changes is every setting that says what a dataset's rows are or where they go, and others
// that a run uses.
var changes = []changed{
	{what: "AZURE_TENANT_ID: another tenant", second: anotherTenant, refusal: adopts},
	{what: "AZURE_TENANT_ID: in capitals", second: set("AZURE_TENANT_ID", strings.ToUpper(tenant.DefaultTenantID))},
	{what: "AZURE_TENANT_ID: a domain of the tenant", second: set("AZURE_TENANT_ID", "contoso.example")},
	{what: "AZURE_TENANT_ID: the id instead of a domain", first: set("AZURE_TENANT_ID", "contoso.example"), second: set("AZURE_TENANT_ID", tenant.DefaultTenantID)},
	{what: "SOURCE_CLOUD", second: set("SOURCE_CLOUD", "gcchigh"), refusal: adopts},
	{what: "SOURCE_API", second: set("SOURCE_API", "m365d"), refusal: adopts},
	{what: "SOURCE_ENDPOINT: another way to the tenant", second: anotherWay},
	{what: "AZURE_AUTHORITY_HOST: another way to the tenant", second: anotherWay},
	{what: "PARQUET_TIMESTAMP", second: set("PARQUET_TIMESTAMP", "ns"), refusal: adopts},
	{what: "EXPORT_CURSOR: another clock", second: set("EXPORT_CURSOR", "event"), refusal: "EXPORT_CURSOR=ingestion"},
	{what: "EXPORT_CURSOR: the same clock", second: set("EXPORT_CURSOR", "ingestion")},
	{what: "EXPORT_TABLES: one more", second: set("EXPORT_TABLES", "AlertInfo,AlertInfo2")}, // the tenant has no such table: exit 3
	{what: "EXPORT_QUERIES: a query named like the table", second: asQuery("", alertQuery), refusal: adopts},
	{what: "EXPORT_TABLES: a table named like the query", first: asQuery("", alertQuery), second: set("EXPORT_TABLES", "AlertInfo", "EXPORT_QUERIES", ""), refusal: adopts},
	{what: "EXPORT_QUERIES: text", first: asQuery("", alertQuery), second: asQuery("", alertQuery+"| where Severity != ''\n"), refusal: adopts},
	{
		what: "EXPORT_QUERIES: spaces and comments", first: asQuery("", alertQuery),
		second: asQuery("// a comment\r\n", strings.ReplaceAll(alertQuery, "\n", "  // and one more\r\n\r\n")+";\n"),
	},
	{what: "EXPORT_QUERIES: time", first: asQuery("// time: Timestamp\n", alertQuery), second: asQuery("// time:\n", alertQuery), refusal: adopts},
	{what: "EXPORT_QUERIES: key", first: asQuery("// key: AlertId\n", alertQuery), second: asQuery("// key: Title\n", alertQuery), refusal: adopts},
	{what: "EXPORT_QUERIES: identity", first: asQuery("// identity: AlertId\n", alertQuery), second: asQuery("// identity: AlertId, Timestamp\n", alertQuery), refusal: adopts},
	{what: "EXPORT_QUERIES: mode", first: asQuery("", alertQuery), second: asQuery("// mode: aggregate\n", alertQuery), refusal: adopts},
	{what: "EXPORT_QUERIES: join", first: asQuery("", alertQuery), second: asQuery("// join: window\n", alertQuery), refusal: "mode (EXPORT_QUERIES): append → append, join: window"},
	{what: "EXPORT_QUERIES: other comments and cases", first: asQuery("// mode: append\n", alertQuery), second: asQuery("// Author: me\n// MODE: Append\n", alertQuery)},
	{what: "LAKE_URL, state kept", second: aFolder("LAKE_URL"), refusal: adopts},
	{what: "LAKE_URL: none", first: withKafka, second: func(_ *testing.T, m *matrix) []string {
		return []string{"LAKE_URL", "", "STATE_URL", stateOrLake(m.env)}
	}, refusal: adopts, events: 100},
	{what: "LAKE_TENANT", second: set("LAKE_TENANT", "true"), refusal: adopts},
	{what: "LAKE_TENANT, state kept", second: func(_ *testing.T, m *matrix) []string {
		return []string{"LAKE_TENANT", "true", "STATE_URL", stateOrLake(m.env)}
	}, refusal: adopts},
	{what: "STATE_URL", second: func(t *testing.T, _ *matrix) []string { return []string{"STATE_URL", t.TempDir()} }, refusal: adopts},
	{what: "KAFKA_BROKERS: Kafka as well", second: withKafka, refusal: adopts},
	{what: "KAFKA_BROKERS: none", first: withKafka, second: set("KAFKA_BROKERS", ""), refusal: adopts, events: 100},
	{what: "KAFKA_BROKERS: another cluster", first: withKafka, second: anotherCluster, refusal: adopts, events: 100},
	{what: "KAFKA_TOPIC", first: withKafka, second: set("KAFKA_TOPIC", "siem.{table}"), refusal: adopts, events: 100},
	{what: "KAFKA_DELIVERY", first: withKafka, second: set("KAFKA_DELIVERY", "at-least-once"), events: 150},
	{what: "EXPORT_START", second: set("EXPORT_START", "1h")},
	{what: "EXPORT_LAG", second: set("EXPORT_LAG", "0s")}, // as all second runs have it
	{what: "EXPORT_RECONCILE", second: set("EXPORT_RECONCILE", "1h")},
	{what: "EXPORT_COMMIT_INTERVAL", second: set("EXPORT_COMMIT_INTERVAL", "1s")},
	{what: "EXPORT_COMMIT_ROWS", second: set("EXPORT_COMMIT_ROWS", "10")},
	{what: "EXPORT_DEADLINE", second: set("EXPORT_DEADLINE", "10m")},
	{what: "SOURCE_CALLS_PER_MINUTE", second: set("SOURCE_CALLS_PER_MINUTE", "900")},
	{what: "SOURCE_CALLS_PER_HOUR", second: set("SOURCE_CALLS_PER_HOUR", "9000")},
	{what: "SOURCE_MAX_ROWS", second: set("SOURCE_MAX_ROWS", "20")},
	{what: "SOURCE_MAX_BODY_BYTES", second: set("SOURCE_MAX_BODY_BYTES", "1048576")},
	{what: "SOURCE_TIMEOUT", second: set("SOURCE_TIMEOUT", "1m")},
	{what: "PARQUET_ROW_GROUP_ROWS", second: set("PARQUET_ROW_GROUP_ROWS", "7")},
	{what: "PARQUET_BLOOM", second: set("PARQUET_BLOOM", "none")},
	{what: "PIPELINE_MEMORY", second: set("PIPELINE_MEMORY", "64MiB")},
	{what: "PIPELINE_SPILL", second: func(t *testing.T, _ *matrix) []string { return []string{"PIPELINE_SPILL", t.TempDir()} }},
	{what: "STATE_LEASE", second: set("STATE_LEASE", "5s")},
	{what: "STATE_LOCK", second: set("STATE_LOCK", "none")},
	{what: "TRANSFORM_MAX_CELL_BYTES", second: set("TRANSFORM_MAX_CELL_BYTES", "65536")},
	{what: "TRANSFORM_MAX_COLUMNS", second: set("TRANSFORM_MAX_COLUMNS", "100")},
	{what: "TRANSFORM_MAX_DEPTH", second: set("TRANSFORM_MAX_DEPTH", "20")},
}

func anotherTenant(t *testing.T, m *matrix) []string {
	t.Helper()
	other, env := served(t, tenant.Options{CallsPerMinute: -1, TenantID: "11111111-2222-4333-8444-555555555555"})
	fill(t, other.Tenant, "AlertInfo", m.began.Add(-20*time.Minute), 700)
	m.tenant = other
	return []string{"AZURE_TENANT_ID", env["AZURE_TENANT_ID"], "SOURCE_ENDPOINT", env["SOURCE_ENDPOINT"], "AZURE_AUTHORITY_HOST", env["AZURE_AUTHORITY_HOST"]}
}

func anotherWay(t *testing.T, m *matrix) []string {
	t.Helper()
	e, err := demo.Serve(t.Context(), m.tenant.Tenant, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	m.tenant = e
	return []string{"SOURCE_ENDPOINT", e.URL, "AZURE_AUTHORITY_HOST", e.URL + "/"}
}

// TestMatrixOfChangedSettings: a setting that changes between two runs is refused, or every
// sink equals the truth. No run exits 0 with other rows.
func TestMatrixOfChangedSettings(t *testing.T) {
	t.Parallel()
	for _, c := range slices.Concat(changes, declared()) {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			c.run(t, newMatrix(t))
		})
	}
}

func (c changed) run(t *testing.T, m *matrix) {
	t.Helper()
	if c.first != nil {
		m.env = with(m.env, c.first(t, m)...)
	}
	if rep := exportHere(t, m.tenant, m.env); rep.Code != 0 || rep.Rows != 100 {
		t.Fatalf("first run: %+v", rep)
	}
	broker, truth := m.broker, m.tenant.Tenant
	fill(t, truth, "AlertInfo", m.began.Add(-40*time.Minute), 30) // late
	before := kept(t, m.env["LAKE_URL"])
	env := with(with(m.env, "EXPORT_LAG", "0s"), c.second(t, m)...)
	rep := exportHere(t, m.tenant, env)
	switch {
	case c.refusal == "":
		if rep.Code != 0 && !strings.Contains(env["EXPORT_TABLES"], ",") {
			t.Fatalf("second run: %+v", rep)
		}
		v, err := verify(t, env["LAKE_URL"], truth, "AlertInfo", m.began.Add(-3*time.Hour), time.Now())
		if err != nil || !v.Complete() || v.Truth != 180 {
			t.Errorf("exit code %d, %+v, %v", rep.Code, v, err)
		}
	case rep.Code != codeConfiguration || !strings.Contains(rep.Datasets[0].Error, c.refusal):
		t.Errorf("exit code %d, want 2 and %q in %+v", rep.Code, c.refusal, rep)
	case !maps.Equal(before, kept(t, m.env["LAKE_URL"])):
		t.Errorf("the refusal changed something: %s", rep.Datasets[0].Error)
	}
	if c.events > 0 {
		if records, err := demo.ReadCommitted(t.Context(), broker, "defender.AlertInfo"); err != nil || len(records) < c.events {
			t.Errorf("%d events, want %d; %v", len(records), c.events, err)
		}
	}
}

// kept is what a lake on disk holds, but for what the directory store needs for itself.
func kept(t *testing.T, lake string) map[string][32]byte {
	t.Helper()
	files := contents(t, lake)
	maps.DeleteFunc(files, func(path string, _ [32]byte) bool { return strings.Contains(path, "/.") })
	return files
}

// ways are settings of how a place is reached or a run reports, not of which rows go
// where; a wrong one is no way.
var ways = []string{
	"AZURE_CLIENT_", "AZURE_FEDERATED_", "AWS_", "S3_", "KAFKA_TLS", "KAFKA_SASL_", "KAFKA_FORMAT", "LOG_",
}

// declared are the changes of all other settings to a value that their declarations allow:
// whoever adds a setting that changes which rows go where puts it into changes.
func declared() (all []changed) {
	for _, v := range config.Variables() {
		if good, _ := v.Others(); len(good) > 0 && !inChanges(v.Name) && !isWay(v.Name) {
			all = append(all, changed{what: v.Name, second: set(v.Name, good[0])})
		}
	}
	return all
}

func inChanges(name string) bool {
	return slices.ContainsFunc(changes, func(c changed) bool {
		return strings.HasPrefix(c.what+":", name+":") || strings.HasPrefix(c.what, name+",")
	})
}

func isWay(name string) bool {
	return slices.ContainsFunc(ways, func(p string) bool { return strings.HasPrefix(name, p) })
}

// TestMatrixIsComplete: a setting that comes up later must be judged as well.
func TestMatrixIsComplete(t *testing.T) {
	t.Parallel()
	for _, v := range config.Variables() {
		good, _ := v.Others()
		judged := inChanges(v.Name) || len(good) > 0 && !isWay(v.Name)
		if way := isWay(v.Name); judged == way {
			t.Errorf("%s: in the matrix: %t, only a way: %t", v.Name, judged, way)
		}
	}
}
