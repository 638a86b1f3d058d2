// Package kql asks Kusto's own language service about every query that the exporter
// can send, with all tables of the catalogue and their columns known to it.
//
// The three flavours of the API take the same text and differ in the HTTP request
// alone, so one round over the queries speaks for all of them.
package kql

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
	"hunting-exporter/source/kql"
	"hunting-exporter/source/kql/judge"
	"hunting-exporter/test/cache"
)

var (
	//go:embed package.json
	packageJSON []byte
	//go:embed package-lock.json
	packageLock []byte
)

// verdict is what the language service says of one query.
type verdict struct {
	Diagnostics []string `json:"diagnostics"`
	Columns     []string `json:"columns"` // of the answer: name and type
}

// ask has one process of node judge all queries.
func ask(t *testing.T, queries []string) []verdict { return askService(t, queries, true) }

// askService binds the queries to the catalogue's tables, or judges their syntax alone.
func askService(t *testing.T, queries []string, bind bool) []verdict {
	t.Helper()
	return askOf(t, queries, bind, tables())
}

func askOf(t *testing.T, queries []string, bind bool, tables []map[string]any) []verdict {
	t.Helper()
	sum := sha256.Sum256(slices.Concat(packageJSON, packageLock))
	dir, err := cache.Dir("kusto-"+hex.EncodeToString(sum[:6]), func(dir string) error {
		for name, data := range map[string][]byte{"package.json": packageJSON, "package-lock.json": packageLock} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
				return err
			}
		}
		return cache.Run(dir, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	})
	if err != nil {
		t.Fatalf("install Kusto's language service: %v\n(node 20 or later and npm must be installed)", err)
	}
	in, err := json.Marshal(map[string]any{"tables": tables, "queries": queries, "bind": bind})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "check.js", dir)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("run node: %v\n%s", err, &stderr)
	}
	var verdicts []verdict
	if err := json.Unmarshal(out, &verdicts); err != nil {
		t.Fatal(err)
	}
	if len(verdicts) != len(queries) {
		t.Fatalf("%d verdicts of %d queries", len(verdicts), len(queries))
	}
	return verdicts
}

// tables are the catalogue's, as the language service takes them.
func tables() (all []map[string]any) {
	for _, table := range schema.Tables() {
		all = append(all, map[string]any{"name": table.Name, "columns": table.Columns})
	}
	return all
}

var (
	from   = time.Date(2026, 1, 31, 12, 34, 56, 123456700, time.UTC)
	window = hunting.Window{Start: from, End: from.Add(time.Hour)}
	later  = hunting.Window{Start: from.Add(2 * time.Hour), End: from.Add(3 * time.Hour)}
	cut    = hunting.Slice{I: 3, N: 7}
)

// shapes are the ways to read a table: by each clock that it has, and as a snapshot.
func shapes(table schema.Table) map[string]hunting.Dataset {
	ds := hunting.Dataset{Name: table.Name, TimeColumn: table.TimeColumn, Identity: table.Identity, Slicing: table.Slicing}
	all := map[string]hunting.Dataset{}
	add := func(name string, mode hunting.Mode, clock hunting.Clock) {
		ds.Mode, ds.Clock = mode, clock
		all[name] = ds
	}
	add("ingestion", hunting.ModeAppend, hunting.ClockIngestion)
	add("snapshot", hunting.ModeSnapshot, "")
	if table.TimeColumn != "" {
		add("event", hunting.ModeAppend, hunting.ClockEvent)
	}
	return all
}

// queriesOf are all queries of one shape of a table, by what they are for.
func queriesOf(shape string, ds hunting.Dataset) map[string]string {
	legs := map[string]kql.Leg{
		"count":             {Dataset: ds, Windows: []hunting.Window{window}, Bin: 15 * time.Minute},
		"count two windows": {Dataset: ds, Windows: []hunting.Window{window, later}, Bin: hunting.Tick},
		"unclocked":         {Dataset: ds, Windows: []hunting.Window{window}, Bin: 1500 * time.Millisecond, Unclocked: true},
	}
	if shape == "snapshot" {
		legs = map[string]kql.Leg{"count": {Dataset: ds}}
	}
	all := map[string]string{}
	for name, leg := range legs {
		all[name] = kql.Count([]kql.Leg{leg})
	}
	all["slice"] = kql.Page(ds, window, cut)
	all["page"] = kql.Page(ds, window, hunting.Slice{})
	ds.Identity, ds.Slicing = nil, nil
	all["slice by every cell"] = kql.Page(ds, window, cut)
	return all
}

// answer is the columns that a query must answer.
func answer(kind, shape string, table schema.Table) []string {
	if strings.HasPrefix(kind, "count") || kind == "unclocked" {
		return []string{"Leg long", "Bin datetime", "Rows long"}
	}
	var columns []string
	for _, c := range table.Columns {
		columns = append(columns, c.Name+" "+c.Type)
	}
	if shape == "snapshot" {
		return append(columns, schema.SnapshotTime+" datetime")
	}
	return append(columns, schema.IngestionTime+" datetime")
}

func TestEveryQueryIsSound(t *testing.T) {
	var names, queries []string
	var want [][]string
	add := func(name, query string, columns []string) {
		names, queries, want = append(names, name), append(queries, query), append(want, columns)
	}
	legs := map[string][]kql.Leg{}
	for _, table := range schema.Tables() {
		for shape, ds := range shapes(table) {
			if err := kql.Check(ds); err != nil {
				t.Fatal(err)
			}
			for kind, query := range queriesOf(shape, ds) {
				add(fmt.Sprintf("%s by %s: %s", table.Name, shape, kind), query, answer(kind, shape, table))
			}
			leg := kql.Leg{Dataset: ds, Windows: []hunting.Window{window, later}, Bin: 15 * time.Minute}
			if shape == "snapshot" {
				leg = kql.Leg{Dataset: ds}
			}
			legs[shape] = append(legs[shape], leg)
			legs["all"] = append(legs["all"], leg)
			if leg.Unclocked = true; shape != "snapshot" {
				legs["all"] = append(legs["all"], leg)
			}
		}
	}
	for shape, legs := range legs {
		add("union of "+shape, kql.Count(legs), answer("count", shape, schema.Table{}))
	}
	if len(legs["snapshot"]) != 65 {
		t.Errorf("%d tables: the catalogue has 65", len(legs["snapshot"]))
	}
	began := time.Now()
	for i, v := range ask(t, queries) {
		if len(v.Diagnostics) > 0 {
			t.Errorf("%s: %q\n%s", names[i], v.Diagnostics, queries[i])
		}
		if diff := cmp.Diff(want[i], v.Columns); diff != "" {
			t.Errorf("%s answers other columns:\n%s", names[i], diff)
		}
	}
	t.Logf("%d queries in %s", len(queries), time.Since(began).Round(time.Millisecond))
}

// Custom queries stay sound with what is written around them.
func TestCustomQueriesStaySound(t *testing.T) {
	const in = "DeviceLogonEvents\n| where Timestamp >= _startTime and Timestamp < _endTime"
	modes := map[string]hunting.Mode{
		in:               hunting.ModeAppend,
		in + "; // done": hunting.ModeAppend,
		in + "\n| where DeviceName != @'a\\' and AccountName != \"b\\\"\" // ';\n;\n;": hunting.ModeAppend,
		in + "\n| where DeviceName has ```\n'// | take 5\n```":                         hunting.ModeAppend,
		in + "\n| render timechart":                                                    hunting.ModeAppend,
		"let Seen = DeviceInfo | summarize arg_max(Timestamp, OSPlatform) by DeviceId;\n" +
			in + "\n| join kind=leftouter Seen on DeviceId;": hunting.ModeAppend,
		"union DeviceLogonEvents, DeviceEvents\n| where Timestamp >= _startTime and Timestamp < _endTime": hunting.ModeAppend,
		in + "\n| summarize Timestamp = max(Timestamp), Logons = count() by DeviceId":                     hunting.ModeAggregate,
		"DeviceInfo | where Timestamp > ago(7d) | summarize arg_max(Timestamp, *) by DeviceId // newest":  hunting.ModeSnapshot,
	}
	var queries []string
	for _, query := range slices.Sorted(maps.Keys(modes)) {
		ds := hunting.Dataset{Name: "Q", Query: query, Mode: modes[query], Clock: hunting.ClockEvent, TimeColumn: "Timestamp"}
		if err := kql.Check(ds); err != nil {
			t.Error(err)
		}
		if v := judge.Query(query, judge.Options{Mode: ds.Mode, Time: ds.TimeColumn}); len(v.Refused) > 0 {
			t.Errorf("%s: %v", query, v.Refused)
		}
		queries = append(queries, kql.Page(ds, window, hunting.Slice{}), kql.Page(ds, window, cut))
		if leg := (kql.Leg{Dataset: ds}); ds.Mode == hunting.ModeSnapshot {
			queries = append(queries, kql.Count([]kql.Leg{leg}))
			continue
		}
		for _, windows := range [][]hunting.Window{{window}, {window, later}} {
			queries = append(queries, kql.Count([]kql.Leg{{Dataset: ds, Windows: windows, Bin: time.Minute}}))
		}
	}
	for i, v := range ask(t, queries) {
		if len(v.Diagnostics) > 0 {
			t.Errorf("%q\n%s", v.Diagnostics, queries[i])
		}
	}
}

// asked is a custom query with a time column that it may not answer.
func asked(query string) hunting.Dataset {
	return hunting.Dataset{Name: "Q", Query: query, Clock: hunting.ClockEvent, TimeColumn: "Timestamp"}
}

// A judge that says yes to everything would prove nothing.
func TestUnsoundQueriesAreFound(t *testing.T) {
	bad := hunting.Dataset{Name: "DeviceEvents", Clock: hunting.ClockEvent, TimeColumn: "NoSuchTime", Identity: []string{"NoSuchId"}}
	typed := bad
	typed.TimeColumn = "DeviceId" // a string
	queries := map[string]string{
		"NoSuchTime":  kql.Page(bad, window, hunting.Slice{}),
		"NoSuchId":    kql.Page(hunting.Dataset{Name: "DeviceEvents", Mode: hunting.ModeSnapshot, Identity: bad.Identity}, window, cut),
		"NoSuchTable": kql.Page(hunting.Dataset{Name: "NoSuchTable", Mode: hunting.ModeSnapshot}, window, hunting.Slice{}),
		"datetime":    kql.Page(typed, window, hunting.Slice{}),
		"NoSuchTime ": kql.Count([]kql.Leg{{Dataset: bad, Windows: []hunting.Window{window}}}),
		"":            "DeviceEvents | where (",
		// What keeps to the window the rows of a query needs its time column, as a time.
		"Timestamp":  kql.Page(asked("DeviceEvents | where Timestamp >= _startTime and Timestamp < _endTime | project DeviceId"), window, hunting.Slice{}),
		"Timestamp ": kql.Count([]kql.Leg{{Dataset: asked("DeviceEvents | project DeviceId"), Windows: []hunting.Window{window}}}),
		"datetime ":  kql.Page(asked("DeviceEvents | extend Timestamp = tostring(Timestamp)"), window, hunting.Slice{}),
	}
	names := slices.Sorted(maps.Keys(queries))
	var texts []string
	for _, name := range names {
		texts = append(texts, queries[name])
	}
	for i, v := range ask(t, texts) {
		if !strings.Contains(strings.Join(v.Diagnostics, "\n"), strings.TrimSpace(names[i])) || len(v.Diagnostics) == 0 {
			t.Errorf("nothing against %q in %q\n%s", names[i], v.Diagnostics, texts[i])
		}
	}
}
