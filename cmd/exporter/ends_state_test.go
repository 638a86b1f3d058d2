package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"

	"hunting-exporter/blob/blobtest/fakes3"
)

// byHand are the commands on the state, in the order of handEnd.cells.
var byHand = [3]string{"state show AlertInfo", "state resolve AlertInfo --not-committed", "state adopt AlertInfo --yes"}

// cell is how one command ends, and what it says.
type cell struct {
	code int
	says string
}

// handEnd is one reason for commands on the state to end, and how each ends.
type handEnd struct {
	what  string
	set   func(e *ending)
	cells [3]cell
}

func all(c cell) [3]cell { return [3]cell{c, c, c} }

var handEnds = []handEnd{
	{"nothing is exported yet", func(*ending) {}, [3]cell{{1, "no state yet"}, {1, "no state yet"}, {2, "no state yet"}}},
	{"nothing to do", (*ending).exported, [3]cell{{0, "success   2"}, {2, "no pending commit"}, {0, "nothing to adopt"}}},
	{"other settings", func(e *ending) { e.exported(); e.change("PARQUET_TIMESTAMP", "ns") }, [3]cell{{0, "success   2"}, {2, "no pending commit"}, {0, "AlertInfo: done"}}},
	{"a commit is pending", pending, [3]cell{{0, "pending"}, {0, "AlertInfo: done"}, {2, "has pending commit 1"}}},
	{"another run has the dataset", func(e *ending) { held(e); e.change("PARQUET_TIMESTAMP", "ns") }, [3]cell{{0, "held"}, {2, "no pending commit"}, {1, "wait for that run to end"}}},
	{"another run has the dataset, a commit is pending", func(e *ending) { pending(e); e.claim() }, [3]cell{{0, "pending"}, {1, "wait for that run to end"}, {2, "has pending commit 1"}}},
	{"wrong settings", func(e *ending) { e.change("STATE_LEASE", "1ms", "LAKE_URL", "") }, all(cell{2, "STATE_LEASE"})},
	{"nothing is set", func(e *ending) { e.env = nil }, all(cell{2, "STATE_URL"})},
	{"the lake is a file", func(e *ending) { e.change("LAKE_URL", os.Args[0]) }, all(cell{2, "it is a file"})},
	{"the state is damaged", func(e *ending) { e.exported(); e.damage() }, all(cell{1, "AlertInfo.json is not a state document"})},
	{"wrong secret", func(e *ending) {
		e.exported()
		e.change("AZURE_TENANT_ID", "contoso.example", "AZURE_CLIENT_SECRET", "planted-wrong")
	}, [3]cell{{0, "success   2"}, {2, "no pending commit"}, {4, "AADSTS"}}},
	{"the token server is down", func(e *ending) { e.exported(); e.change("AZURE_TENANT_ID", "contoso.example"); e.fail(logsIn) }, [3]cell{
		{0, "success   2"}, {2, "no pending commit"}, {1, "status 503"},
	}},
	{"SIGTERM while it logs in", func(e *ending) {
		e.exported()
		e.change("AZURE_TENANT_ID", "contoso.example")
		e.signal(logsIn, syscall.SIGTERM)
	}, [3]cell{{0, "success   2"}, {2, "no pending commit"}, {143, "stopped by signal: terminated"}}},
	{"no broker there", func(e *ending) { e.exported(); e.change("KAFKA_BROKERS", "127.0.0.1:1") }, [3]cell{{0, "success   2"}, {1, "KAFKA_BROKERS"}, {1, "KAFKA_BROKERS"}}},
	{"a variable is mistyped", func(e *ending) { e.exported(); e.change("EXPORT_TABELS", "x") }, [3]cell{
		{0, "did you mean EXPORT_TABLES?"}, {2, "did you mean EXPORT_TABLES?"}, {0, "did you mean EXPORT_TABLES?"},
	}},
}

// pending is a commit that is decided and could not be published.
func pending(e *ending) {
	e.t.Helper()
	inTheWay := filepath.Join(e.env["LAKE_URL"], "AlertInfo")
	if err := os.WriteFile(inTheWay, nil, 0o600); err != nil {
		e.t.Fatal(err)
	}
	e.before(codeRetry)
	if err := os.Remove(inTheWay); err != nil {
		e.t.Fatal(err)
	}
}

func (e *ending) damage() {
	e.t.Helper()
	if err := os.WriteFile(filepath.Join(e.env["LAKE_URL"], "_meta", "state", "AlertInfo.json"), []byte("{"), 0o600); err != nil {
		e.t.Fatal(err)
	}
}

// Each reason to end × each command on the state has its exit code, and a record of the log
// that says it unless it is 0.
func TestEveryEndByHand(t *testing.T) {
	t.Parallel()
	for _, r := range handEnds {
		for i, command := range byHand {
			t.Run(r.what+": "+command, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					e := newEnding(t)
					r.set(e)
					e.run(strings.Fields(command)...).says(t, r.cells[i])
				})
			})
		}
	}
}

// says checks how a command without a summary ended.
func (end ended) says(t *testing.T, c cell) {
	t.Helper()
	if end.code != c.code || !strings.Contains(end.out+end.err, c.says) {
		t.Errorf("exit code %d, want %d and %q\n%s%s", end.code, c.code, c.says, end.out, end.err)
	}
	records := logged(t, end.err)
	failed := named(records, "command failed")
	if end.code == 0 && len(failed) == 0 {
		return
	}
	if len(failed) != 1 || failed[0]["exit_code"] != float64(end.code) || failed[0]["error"] == "" {
		t.Errorf("exit code %d\n%s%s", end.code, end.out, end.err)
	}
}

// inS3 leads to a store.
func (e *ending) inS3(endpoint string) {
	e.change("LAKE_URL", "s3://"+fakes3.Bucket, "AWS_ENDPOINT_URL_S3", endpoint, "AWS_REGION", "eu-north-1", "S3_PATH_STYLE", "true")
}

// A store in trouble ends each command alike. All wait for it at the same time.
func TestEveryEndByTheStore(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what string
		set  func(e *ending)
		code int
		says string
		runs bool // runs alone end so
	}{
		{"it cannot be reached", func(e *ending) { e.inS3("http://127.0.0.1:1") }, 1, "connection refused", false},
		{"it is silent, SIGTERM", func(e *ending) { e.inS3(silent(e, syscall.SIGTERM)) }, 143, "stopped by signal: terminated", false},
		{"it is full", func(e *ending) { e.inS3(fakes3.Start(e.t, full)) }, 1, "StorageFull", true},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			var wg sync.WaitGroup
			for i, command := range append(running[:], byHand[:]...) {
				if command == running[2] && c.what == "it cannot be reached" || c.runs && i > 1 {
					continue
				}
				e := newEnding(t)
				c.set(e)
				wg.Go(func() {
					end := e.run(strings.Fields(command)...)
					if i >= len(running) {
						end.says(t, cell{c.code, c.says})
						return
					}
					if sum := end.summary(t); end.code != c.code || sum["exit_code"] != float64(c.code) || !strings.Contains(end.out, c.says) {
						t.Errorf("%s: exit code %d, want %d and %q\n%s%s", command, end.code, c.code, c.says, end.out, end.err)
					}
				})
			}
			wg.Wait()
		})
	}
}

// silent is a store that does not answer; its first request makes a signal come.
func silent(e *ending, s os.Signal) (endpoint string) {
	var once sync.Once
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		once.Do(func() { e.signals <- s })
		<-over
	}))
	e.t.Cleanup(func() {
		close(over)
		server.Close()
	})
	return server.URL
}

// full takes no files of rows.
func full(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/AlertInfo/dt=") {
			fakes3.Refuse(w, http.StatusInsufficientStorage, "XMinioStorageFull")
			return
		}
		next.ServeHTTP(w, r)
	})
}
