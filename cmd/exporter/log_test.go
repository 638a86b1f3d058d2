package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"hunting-exporter/tenant"
)

// logged reads the records of a log, one JSON object a line.
func logged(t *testing.T, text string) (records []map[string]any) {
	t.Helper()
	for line := range strings.Lines(text) {
		record := map[string]any{}
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Errorf("no record: %q: %v", line, err)
			continue
		}
		if twice := repeated(line); twice != "" {
			t.Errorf("%s is twice in %s", twice, line)
		}
		records = append(records, record)
	}
	return records
}

// repeated is a key that a record has twice, of which readers take either or none; empty:
// there is none.
func repeated(line string) string {
	d, seen := json.NewDecoder(strings.NewReader(line)), map[string]bool{}
	_, _ = d.Token() // the brace; it is known to be an object
	for d.More() {
		key, _ := d.Token()
		name := fmt.Sprint(key)
		if seen[name] {
			return name
		}
		seen[name] = true
		var value json.RawMessage
		_ = d.Decode(&value)
	}
	return ""
}

// named are the records with a message.
func named(records []map[string]any, message string) (found []map[string]any) {
	for _, r := range records {
		if r["msg"] == message {
			found = append(found, r)
		}
	}
	return found
}

// messages are those of records.
func messages(records []map[string]any) (all []string) {
	for _, r := range records {
		all = append(all, fmt.Sprint(r["msg"]))
	}
	return all
}

// situation is a command line and what its log must hold.
type situation struct {
	env  map[string]string
	args []string
	code int
	says []string // messages
}

// situations are runs whose logs hold about all there is to say.
func situations(t *testing.T) map[string]situation {
	e, env := served(t, tenant.Options{CallsPerMinute: -1})
	fill(t, e.Tenant, "AlertInfo", time.Now(), 20)
	fill(t, e.Tenant, "DeviceLogonEvents", time.Now(), 20)
	fresh := func(pairs ...string) map[string]string {
		return with(env, append([]string{"LAKE_URL", t.TempDir(), "LOG_LEVEL", "debug"}, pairs...)...)
	}
	faulty := func(fault func(tenant.Call) tenant.Fault) map[string]string {
		e, env := served(t, tenant.Options{CallsPerMinute: -1})
		fill(t, e.Tenant, "AlertInfo", time.Now(), 20)
		fill(t, e.Tenant, "DeviceLogonEvents", time.Now(), 20)
		e.Tenant.Fault(func(c tenant.Call) tenant.Fault {
			if c.API == "token" {
				return tenant.Fault{}
			}
			return fault(c)
		})
		return with(env, "LOG_LEVEL", "debug")
	}
	used := filepath.Join(t.TempDir(), "used")
	if code, out, errs := runChild(t, with(env, "LAKE_URL", used), "run"); code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	return map[string]situation{
		"done":                {fresh(), []string{"run"}, 0, []string{"run begins", "call", "committed", "run ended"}},
		"a dry run":           {fresh(), []string{"run", "--dry-run"}, 0, []string{"run ended"}},
		"a backfill":          {fresh(), []string{"backfill", "--from", "50m"}, 0, []string{"backfill begins", "run ended"}},
		"an unknown variable": {fresh("EXPORT_TABELS", "A"), []string{"run"}, 0, []string{"run ended"}},
		"no settings":         {nil, []string{"run"}, 2, []string{"run ended"}},
		"no settings, quiet":  {map[string]string{"LOG_LEVEL": "error", "EXPORT_TABELS": "A"}, []string{"run"}, 2, []string{"run ended"}},
		"unknown flag":        {fresh(), []string{"run", "--export-tabels", "A"}, 2, []string{"run ended"}},
		"unknown command":     {fresh(), []string{"rnu"}, 2, []string{"command failed"}},
		"no such state":       {fresh(), []string{"state", "show", "AlertInfo"}, 1, []string{"command failed"}},
		"other destinations":  {with(env, "STATE_URL", used+"/_meta"), []string{"run"}, 2, []string{"dataset failed", "run ended"}},
		"wrong secret":        {fresh("AZURE_CLIENT_SECRET", "planted-wrong"), []string{"run"}, 4, []string{"cannot begin", "run ended"}},
		"two unreachable": {
			fresh("KAFKA_BROKERS", "127.0.0.1:1", "AZURE_CLIENT_SECRET", "planted-wrong"), []string{"run"}, 4, []string{"cannot begin", "run ended"},
		},
		"a table the tenant has not": {fresh("EXPORT_TABLES", "AlertInfo,NoSuchTable"), []string{"run"}, 3, []string{"dataset failed", "run ended"}},
		"a deadline":                 {fresh("EXPORT_DEADLINE", "50s", "SOURCE_CALLS_PER_MINUTE", "1"), []string{"run"}, 0, []string{"dataset ended early", "run ended"}},
		"throttled": {faulty(func(c tenant.Call) tenant.Fault {
			if c.N == 1 {
				return c.CPUExceeded(time.Second)
			}
			return tenant.Fault{}
		}), []string{"run"}, 0, []string{"throttled, everybody waits", "run ended"}},
		"trying again": {faulty(func(c tenant.Call) tenant.Fault {
			if c.N == 1 {
				return tenant.Fault{Status: http.StatusServiceUnavailable}
			}
			return tenant.Fault{}
		}), []string{"run"}, 0, []string{"trying again", "run ended"}},
		"gaps": {faulty(func(c tenant.Call) tenant.Fault {
			if strings.HasPrefix(c.Query, "AlertInfo") && !strings.Contains(c.Query, "count()") {
				return c.ResultTooLarge()
			}
			return tenant.Fault{}
		}), []string{"run"}, 3, []string{"window narrowed", "the API does not deliver this; it is kept as a gap and tried again", "run ended"}},
	}
}

// A log can be searched: each record says when, what, which run and which tenant; a key
// has one type, in the summary too; durations are numbers of seconds; nothing breaks a line.
func TestEveryRecordOfTheLog(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var types []map[string]string
	t.Run("situations", func(t *testing.T) {
		for name, c := range situations(t) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				code, out, errs := runChild(t, c.env, c.args...)
				if code != c.code {
					t.Errorf("exit code %d, want %d\n%s%s", code, c.code, out, errs)
				}
				records := logged(t, errs)
				for _, says := range c.says {
					if len(named(records, says)) == 0 {
						t.Errorf("no record %q among %q", says, messages(records))
					}
				}
				for _, r := range records {
					checkRecord(t, r)
				}
				for _, r := range named(records, "call") {
					checkCall(t, r)
				}
				if ended := named(records, "run ended"); len(ended) > 0 && (len(ended) > 1 || ended[0]["exit_code"] != float64(code)) {
					t.Errorf("exit code %d and %v", code, ended)
				}
				if strings.HasPrefix(out, "{") {
					records = append(records, logged(t, out)...)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, r := range records {
					types = append(types, typesOf("", r))
				}
			})
		}
	})
	seen := map[string]string{}
	for _, record := range types {
		for key, kind := range record {
			if other, ok := seen[key]; ok && other != kind {
				t.Errorf("%s is a %s here and a %s there", key, other, kind)
			}
			seen[key] = kind
		}
	}
}

// unitless are names of durations that do not say their unit.
var unitless = regexp.MustCompile(`(^|_)(wait|timeout|duration|elapsed|took|minutes|left)$|minutes_`)

// ofDataset are messages about a dataset.
var ofDataset = map[string]bool{
	"committed": true, "call": true, "trying again": true, "throttled, everybody waits": true, "window narrowed": true, "dataset failed": true,
	"dataset ended early": true, "the API does not deliver this; it is kept as a gap and tried again": true,
}

// checkCall: what a call was for and what came of it, without its query.
func checkCall(t *testing.T, r map[string]any) {
	t.Helper()
	for _, key := range []string{"status", "rows", "bytes", "seconds"} {
		if _, ok := r[key].(float64); !ok {
			t.Errorf("%s is missing in %v", key, r)
		}
	}
	// A call that is given up before its answer has no request to name.
	if id, _ := r["request_id"].(string); id == "" && r["status"] != 0.0 {
		t.Errorf("the request is missing in %v", r)
	}
	if window, _ := r["window"].(string); r["kind"] == "rows" && window == "" {
		t.Errorf("the window is missing in %v", r)
	}
	if text := fmt.Sprint(r); strings.Contains(text, "where") || strings.Contains(text, "summarize") {
		t.Errorf("the query is in the log: %s", text)
	}
}

func checkRecord(t *testing.T, r map[string]any) {
	t.Helper()
	for _, key := range []string{"time", "level", "msg", "run", "tenant"} {
		if s, ok := r[key].(string); !ok || s == "" && key != "tenant" {
			t.Errorf("%s is missing in %v", key, r)
		}
	}
	if at, err := time.Parse(time.RFC3339Nano, fmt.Sprint(r["time"])); err != nil || at.Location() != time.UTC {
		t.Errorf("time %v: %v", r["time"], err)
	}
	if _, ok := r["dataset"].(string); ofDataset[fmt.Sprint(r["msg"])] && !ok {
		t.Errorf("dataset is missing in %v", r)
	}
	for key, value := range r {
		if s, ok := value.(string); ok && strings.ContainsAny(s, "\n\r\t") {
			t.Errorf("%s is more than a line: %q", key, s)
		}
		if unitless.MatchString(key) {
			t.Errorf("%s of %q says no unit", key, r["msg"])
		}
	}
}

// typesOf are the JSON types of all values, by their paths.
func typesOf(path string, value any) map[string]string {
	all := map[string]string{}
	switch v := value.(type) {
	case map[string]any:
		if path != "" {
			all[path] = "object"
		}
		for key, inner := range v {
			maps.Copy(all, typesOf(strings.TrimPrefix(path+"."+key, "."), inner))
		}
	case []any:
		all[path] = "array"
		for _, inner := range v {
			for key, kind := range typesOf(path+"[]", inner) {
				all[key] = kind
			}
		}
	case nil: // of any type
	default:
		all[path] = fmt.Sprintf("%T", v)
	}
	return all
}
