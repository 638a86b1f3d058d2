package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/tenant"
	"hunting-exporter/test/duck"
	"hunting-exporter/test/process"
)

// event is a row of a table that is cut by time, device one of DeviceInfo.
type (
	event struct {
		at     int64 // ticks
		device string
		id     int64
		action string
	}
	device struct {
		at       int64
		name, os string
		id       int64
	}
)

// held is what the tenant has, and the windows that a query was asked for.
type held struct {
	logons, processes []event
	devices           []device
	begin             time.Time
	windows           [][2]int64
}

// answer is a row of an answer: cells by column, times as ticks.
type answer map[string]string

// typed are the columns that the queries answer.
var typed = map[string]string{
	"Timestamp": "DateTime", "Seen": "DateTime", "Then": "DateTime", "DeviceId": "String", "OSPlatform": "String", "ActionType": "String",
	"ReportId": "Int64", "Other": "Int64", "Rows": "Int64", "Sum": "Int64",
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// newHeld makes rows that lie on whole minutes, where windows end, a tick before, and
// several at one time; some twice.
func newHeld(begin time.Time) held {
	h := held{begin: begin}
	at := func(i int, more time.Duration) int64 {
		return schema.ToTicks(begin.Add(time.Duration(i)*2*time.Minute + more))
	}
	for i := range 240 {
		e := event{at: at(i, 0), device: fmt.Sprint("d", i*7%11), id: int64(i), action: []string{"LogonFailed", "LogonSuccess"}[i%3%2]}
		switch {
		case i%5 == 4:
			e.at--
		case i%7 == 6:
			e.at = h.logons[i-1].at
		case i%40 == 12:
			e = h.logons[i-1]
		}
		h.logons = append(h.logons, e)
		p := event{at: at(i, time.Duration(i%3)*40*time.Second), device: fmt.Sprint("d", i*5%12), id: int64(1000 + i), action: "ProcessCreated"}
		if i%9 == 7 {
			p.at, p.device = e.at, e.device
		}
		h.processes = append(h.processes, p)
	}
	for i := range 18 {
		h.devices = append(h.devices, device{at: at(i, 0), name: fmt.Sprint("d", i%9), os: []string{"Linux", "Windows11"}[i%9%2], id: int64(2000 + i)})
	}
	return h
}

// late are rows that come in when their time has been read already.
func (h held) late() (more held) {
	for i := range 12 {
		at := schema.ToTicks(h.begin.Add(100*time.Minute + time.Second + time.Duration(i)*time.Minute))
		more.logons = append(more.logons, event{at: at, device: fmt.Sprint("d", i), id: int64(500 + i), action: "LogonFailed"})
		more.processes = append(more.processes, event{at: at + 50, device: fmt.Sprint("d", 11-i), id: int64(1500 + i), action: "ProcessCreated"})
	}
	return more
}

// at is 1 if some row has just this time.
func (h held) at(at int64) int {
	if slices.ContainsFunc(h.logons, func(e event) bool { return e.at == at }) {
		return 1
	}
	return 0
}

// put adds rows to the tenant.
func (h held) put(t *testing.T, s *site) {
	t.Helper()
	add := func(table, fourth string, row tenant.Row) {
		columns := []schema.Column{{Name: "Timestamp", Type: "DateTime"}, {Name: "DeviceId", Type: "String"}, {Name: "ReportId", Type: "Int64"}, {Name: fourth, Type: "String"}}
		row.Ingested = row.Cells[0].(time.Time)
		if err := s.Add(table, columns, row); err != nil {
			t.Fatal(err)
		}
	}
	for table, events := range map[string][]event{"DeviceLogonEvents": h.logons, "DeviceProcessEvents": h.processes} {
		for _, e := range events {
			add(table, "ActionType", tenant.Row{Cells: []any{schema.FromTicks(e.at), e.device, e.id, e.action}})
		}
	}
	for _, d := range h.devices {
		add("DeviceInfo", "OSPlatform", tenant.Row{Cells: []any{schema.FromTicks(d.at), d.name, d.id, d.os}})
	}
}

// asked are the windows that the rows of a query were read in: of those that lie within
// another, as after an answer that was cut, the inner ones.
func (s *site) asked(t *testing.T, name string) (windows [][2]int64) {
	t.Helper()
	borders := regexp.MustCompile(`^let _startTime = datetime\(([^)]*)\);\s*let _endTime = datetime\(([^)]*)\);`)
	seen := map[[2]int64]bool{}
	for _, call := range s.Calls().Log {
		m := borders.FindStringSubmatch(call.Query)
		if m == nil || strings.Contains(call.Query, "| extend Leg = ") || !strings.Contains(call.Query, "'"+name+"'") {
			continue
		}
		var w [2]int64
		for i := range w {
			at, err := time.Parse(time.RFC3339Nano, m[i+1])
			if err != nil {
				t.Fatal(err)
			}
			w[i] = schema.ToTicks(at)
		}
		seen[w] = w[0] < w[1]
	}
	for w, some := range seen {
		inner := func(o [2]int64) bool { return seen[o] && o != w && o[0] >= w[0] && o[1] <= w[1] }
		if some && !slices.ContainsFunc(slices.Collect(maps.Keys(seen)), inner) {
			windows = append(windows, w)
		}
	}
	slices.SortFunc(windows, func(a, b [2]int64) int { return int(a[0] - b[0]) })
	return windows
}

// queryDir is a folder of query files.
func queryDir(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name+".kql"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// answered brings answers into the form of truth: cells in the order of the columns' names.
func answered(columns []schema.Column, answers []answer, resolution time.Duration) (rows [][]string) {
	for _, a := range answers {
		row := make([]string, 0, len(columns))
		for _, i := range sorted(columns) {
			cell := a[columns[i].Name]
			if columns[i].Type == "DateTime" {
				at, _ := strconv.ParseInt(cell, 10, 64)
				cell = ticks(at, resolution)
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	return rows
}

// eventsOf are a query's rows in Kafka, in the form of truth.
func eventsOf(t *testing.T, columns []schema.Column, values []string) (rows [][]string) {
	t.Helper()
	for _, v := range values {
		var e struct {
			Properties map[string]json.RawMessage `json:"properties"`
		}
		if err := json.Unmarshal([]byte(v), &e); err != nil || len(e.Properties) != len(columns) {
			t.Fatalf("event with other columns than the query (%v): %.300s", err, v)
		}
		row := make([]string, 0, len(columns))
		for _, i := range sorted(columns) {
			row = append(row, fromEvent(t, e.Properties[columns[i].Name], columns[i].Type))
		}
		rows = append(rows, row)
	}
	return rows
}

// TestCustomQueryKinds runs each kind of query that was once wrongly accepted, or wrongly
// refused, against a tenant over HTTP. What cannot be cut by time is refused by name and
// line before any call, with nothing in the lake or in Kafka. What is written instead, and
// what can be cut, is exported in three runs and some windows each, whose borders fall on
// rows, and after rows that came late: both sinks hold what follows from the tenant's rows
// by rules written down here, each row once.
func TestCustomQueryKinds(t *testing.T) {
	s, from, rows := combinations[2].on(t, true), newSite(t, tenant.Options{MaxRows: 60}), newHeld(time.Now().UTC().Truncate(time.Hour).Add(-9*time.Hour))
	rows.put(t, from)
	t.Run("refused", func(t *testing.T) {
		for _, k := range kinds {
			for i, r := range k.refused {
				t.Run(fmt.Sprint(k.name, i), func(t *testing.T) {
					t.Parallel()
					dir := queryDir(t, map[string]string{"q": "// name: Refused\n" + r.text})
					p := process.Start(t, process.Command{Path: exporter, Args: []string{"run"}, Env: from.env(t, append(slices.Clone(s.env), "EXPORT_QUERIES="+dir)...)})
					exit := p.Wait(t, 5*time.Minute)
					if said := p.Stdout.String() + p.Stderr.String(); exit.Code != 2 || !strings.Contains(said, r.says) {
						t.Errorf("%s\nended with %v, want exit code 2 and %q", r.text, exit, r.says)
					}
				})
			}
		}
	})
	if c := from.Calls(); c.Token+c.Hunting > 0 || topicExists(t, s.addr, s.topics+"Refused") {
		t.Errorf("%d calls for refused queries, topic: %v", c.Token+c.Hunting, topicExists(t, s.addr, s.topics+"Refused"))
	}
	if left, err := os.ReadDir(s.dir); len(left) > 0 || err != nil && !os.IsNotExist(err) {
		t.Errorf("refused queries left %v, %v", left, err)
	}
	files := map[string]string{}
	for _, k := range kinds {
		for i, e := range k.exact {
			name := fmt.Sprint(k.name, i)
			// The first statement tells its calls from those of others.
			files[name] = "// name: " + name + "\n" + e.head + "let ThisIs = '" + name + "';\n" + e.text
		}
	}
	env := from.env(t, append(s.env, "EXPORT_QUERIES="+queryDir(t, files), "EXPORT_START="+rows.begin.Add(-time.Hour).Format(time.RFC3339),
		"SOURCE_MAX_ROWS=60")...)
	early := rows
	for _, until := range []time.Duration{3*time.Hour + 5*time.Minute, 5 * time.Hour, 8*time.Hour + 30*time.Minute} {
		if until > 8*time.Hour {
			late := rows.late()
			late.put(t, from)
			rows.logons, rows.processes = slices.Concat(rows.logons, late.logons), slices.Concat(rows.processes, late.processes)
		}
		command(t, append(slices.Clone(env), rows.until(until)), 0, "run")
	}
	db, windows, onRows := duck.Open(t), 0, 0
	for _, k := range kinds {
		for i, e := range k.exact {
			name, truth := fmt.Sprint(k.name, i), rows
			if e.windowed {
				truth = early // such a dataset is not compared with counts
			}
			truth.windows = from.asked(t, name)
			if len(truth.windows) < 3 {
				t.Errorf("%s was read in %d windows, which shows nothing", name, len(truth.windows))
			}
			e.check(t, s, db, name, truth, equal)
			windows += len(truth.windows)
			for _, w := range truth.windows {
				onRows += rows.at(w[0])
			}
		}
	}
	t.Logf("%d queries in %d windows, %d of them begin on a row", len(files), windows, onRows)
	if onRows < windows/4 {
		t.Errorf("of %d windows only %d begin on a row", windows, onRows)
	}
	wantRows(t, command(t, append(slices.Clone(env), rows.until(8*time.Hour+30*time.Minute)), 0, "run"), 0, 0)
}

// check compares what the sinks hold of a query with the truth.
func (e exact) check(t *testing.T, s sinks, db *duck.DB, name string, h held, compare func(*testing.T, string, [][]string, [][]string)) {
	t.Helper()
	var columns []schema.Column
	for c := range strings.FieldsSeq(e.columns) {
		columns = append(columns, schema.Column{Name: c, Type: typed[c]})
	}
	answers := e.want(h)
	if len(answers) < 3 {
		t.Errorf("%s: %d rows show nothing", name, len(answers))
	}
	compare(t, "lake "+name, fold(answered(columns, answers, lakeResolution)), fold(lakeColumns(t, db, s.dir, name, columns, lakeResolution)))
	compare(t, "Kafka "+name, fold(answered(columns, answers, tick)), fold(eventsOf(t, columns, s.events(t, name))))
}
