package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"hunting-exporter/tenant"
	"hunting-exporter/test/process"
)

// TestMarkerIsLost kills a run around the decision and deletes Kafka's marker: runs
// refuse with exit 1 and change nothing, until a person says what the topic shows.
func TestMarkerIsLost(t *testing.T) {
	for step, answer := range map[string]string{"intent": "--not-committed", "decide": "--committed"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			s := combinations[2].on(t, false)
			from := newSite(t, tenant.Options{})
			from.seed(t, 100, table)
			env := from.env(t, append(s.env, "EXPORT_TABLES="+table)...)
			p := process.Start(t, process.Command{Path: crashing, Args: []string{"run"}, Env: append(env, "EXPORTER_CRASH="+step)})
			if exit := p.Wait(t, time.Minute); exit.Signal != syscall.SIGKILL {
				t.Fatalf("ended with %v: %s", exit, p.Stderr.Tail())
			}
			time.Sleep(time.Second) // its lease
			deleteMarker(t, s)
			for range 2 { // it does not settle by itself
				p = process.Start(t, process.Command{Path: exporter, Args: []string{"run"}, Env: env})
				if exit := p.Wait(t, time.Minute); exit.Code != 1 || !strings.Contains(p.Stdout.String(), "state resolve") {
					t.Fatalf("ended with %v: %s", exit, p.Stdout.Tail())
				}
				if left := stateOf(t, s); left.Pending == nil || left.Seq != 0 {
					t.Fatalf("the refusal changed the state: %+v", left)
				}
			}
			p = process.Start(t, process.Command{Path: exporter, Args: []string{"state", "resolve", table, answer}, Env: env})
			if exit := p.Wait(t, time.Minute); exit.Code != 0 {
				t.Fatalf("resolve ended with %v: %s", exit, p.Stderr.Tail())
			}
			finish(t, env)
			s.check(t, from, table, equal)
		})
	}
}

type stateDocument struct {
	ID      string          `json:"id"`
	Seq     int64           `json:"seq"`
	Pending json.RawMessage `json:"pending"`
}

func stateOf(t *testing.T, s sinks) (doc stateDocument) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(s.dir, "_meta", "state", table+".json"))
	if err == nil {
		err = json.Unmarshal(data, &doc)
	}
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func deleteMarker(t *testing.T, s sinks) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(s.addr))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	group := "hunting-exporter." + stateOf(t, s).ID
	admin := kadm.NewClient(cl)
	// The killed run's transaction may still hold the group; ending it takes a new epoch.
	for range 50 {
		deleted, err := admin.DeleteGroups(t.Context(), group)
		if err == nil && deleted[group].Err == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("group %s could not be deleted", group)
}
