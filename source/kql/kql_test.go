package kql_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
	"hunting-exporter/source/kql"
)

var start = time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)

func window(from, to time.Duration) hunting.Window {
	return hunting.Window{Start: start.Add(from), End: start.Add(to)}
}

const (
	t0 = "datetime(2026-01-02T03:00:00.0000000Z)"
	t1 = "datetime(2026-01-02T04:00:00.0000000Z)"
	t2 = "datetime(2026-01-02T05:00:00.0000001Z)"
)

var (
	table    = hunting.Dataset{Name: "A", Clock: hunting.ClockIngestion, TimeColumn: "Timestamp", Identity: []string{"DeviceId", "ReportId"}}
	byEvent  = hunting.Dataset{Name: "A", Clock: hunting.ClockEvent, TimeColumn: "Timestamp", Identity: []string{"DeviceId", "ReportId"}}
	snapshot = hunting.Dataset{Name: "A", Mode: hunting.ModeSnapshot}
	custom   = hunting.Dataset{Name: "Q", Clock: hunting.ClockEvent, TimeColumn: "Timestamp", Query: "\nA\n| where _startTime < _endTime; // all\n;\n"}
)

func with(ds hunting.Dataset, change func(*hunting.Dataset)) hunting.Dataset {
	change(&ds)
	return ds
}

func TestPage(t *testing.T) {
	t.Parallel()
	hour := window(0, time.Hour)
	for name, c := range map[string]struct {
		ds   hunting.Dataset
		s    hunting.Slice
		want string
	}{
		"ingestion": {
			table,
			hunting.Slice{},
			"A\n| extend _IngestionTime = ingestion_time()\n| where _IngestionTime >= " + t0 + " and _IngestionTime < " + t1,
		},
		"ingestion slice": {
			table,
			hunting.Slice{I: 2, N: 3},
			"A\n| extend _IngestionTime = ingestion_time()\n| where _IngestionTime >= " + t0 + " and _IngestionTime < " + t1 +
				"\n| where hash_xxhash64(strcat(tostring(DeviceId), \"|\", tostring(ReportId)), 3) == 2",
		},
		"event": {
			byEvent,
			hunting.Slice{N: 1},
			"A\n| where Timestamp >= " + t0 + " and Timestamp < " + t1 + "\n| extend _IngestionTime = ingestion_time()",
		},
		"event slice": {
			with(byEvent, func(ds *hunting.Dataset) { ds.Slicing = []string{"DeviceId"} }),
			hunting.Slice{I: 0, N: 2},
			"A\n| where Timestamp >= " + t0 + " and Timestamp < " + t1 +
				"\n| where hash_xxhash64(tostring(DeviceId), 2) == 0\n| extend _IngestionTime = ingestion_time()",
		},
		"snapshot": {snapshot, hunting.Slice{}, "A\n| extend _SnapshotTime = " + t0},
		"snapshot slice": {
			snapshot,
			hunting.Slice{I: 1, N: 2},
			"A\n| where hash_xxhash64(tostring(pack_all()), 2) == 1\n| extend _SnapshotTime = " + t0,
		},
		"custom": {
			custom,
			hunting.Slice{},
			"let _startTime = " + t0 + ";\nlet _endTime = " + t1 + ";\nA\n| where _startTime < _endTime\n| where Timestamp >= " + t0 + " and Timestamp < " + t1,
		},
		"custom slice": {
			with(custom, func(ds *hunting.Dataset) { ds.Identity = []string{"X"} }),
			hunting.Slice{I: 1, N: 2},
			"let _startTime = " + t0 + ";\nlet _endTime = " + t1 + ";\nA\n| where _startTime < _endTime\n| where Timestamp >= " + t0 + " and Timestamp < " + t1 +
				"\n| where hash_xxhash64(tostring(X), 2) == 1",
		},
		"custom, last a comment": {
			with(custom, func(ds *hunting.Dataset) { ds.Query = "A; // | where 1 == 2" }),
			hunting.Slice{},
			"let _startTime = " + t0 + ";\nlet _endTime = " + t1 + ";\nA\n| where Timestamp >= " + t0 + " and Timestamp < " + t1,
		},
		"custom chart": {
			with(custom, func(ds *hunting.Dataset) {
				ds.Query = "let r = A | where x == '| render';\nr\n| sort by (x) asc // y\n| render timechart with (title=\"a | b\") // z\n;"
			}),
			hunting.Slice{},
			"let _startTime = " + t0 + ";\nlet _endTime = " + t1 + ";\nlet r = A | where x == '| render';\nr\n| sort by (x) asc\n| where Timestamp >= " + t0 + " and Timestamp < " + t1,
		},
		"custom without time": {
			with(custom, func(ds *hunting.Dataset) { ds.TimeColumn = "" }),
			hunting.Slice{},
			"let _startTime = " + t0 + ";\nlet _endTime = " + t1 + ";\nA\n| where _startTime < _endTime",
		},
		"custom pairs of one window": {
			with(custom, func(ds *hunting.Dataset) { ds.Mode, ds.Query = hunting.ModeJoinWindow, "A" }),
			hunting.Slice{},
			"let _startTime = " + t0 + ";\nlet _endTime = " + t1 + ";\nA\n| where Timestamp >= " + t0 + " and Timestamp < " + t1,
		},
		"custom sums": { // the bin of a sum may begin before the window
			with(custom, func(ds *hunting.Dataset) { ds.Mode = hunting.ModeAggregate }),
			hunting.Slice{},
			"let _startTime = " + t0 + ";\nlet _endTime = " + t1 + ";\nA\n| where _startTime < _endTime",
		},
		"custom snapshot": {
			hunting.Dataset{Name: "Q", Mode: hunting.ModeSnapshot, Query: "A // all"},
			hunting.Slice{I: 1, N: 2},
			"A\n| where hash_xxhash64(tostring(pack_all()), 2) == 1\n| extend _SnapshotTime = " + t0,
		},
	} {
		if err := kql.Check(c.ds); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(c.want, kql.Page(c.ds, hour, c.s)); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	const project = "\n| project Leg, Bin, Rows"
	hour, two := window(0, time.Hour), []hunting.Window{window(0, time.Hour), window(time.Hour, 2*time.Hour+hunting.Tick)}
	for name, c := range map[string]struct {
		legs []kql.Leg
		want string
	}{
		"one": {
			[]kql.Leg{{Dataset: table, Windows: []hunting.Window{hour}, Bin: 15 * time.Minute}},
			"A\n| extend _IngestionTime = ingestion_time()\n| where _IngestionTime >= " + t0 + " and _IngestionTime < " + t1 +
				"\n| summarize Rows = count() by Bin = bin(_IngestionTime, 15m)\n| extend Leg = 0" + project,
		},
		"two windows": {
			[]kql.Leg{{Dataset: byEvent, Windows: two, Bin: 30 * time.Second}},
			"A\n| where (Timestamp >= " + t0 + " and Timestamp < " + t1 + ") or (Timestamp >= " + t1 + " and Timestamp < " + t2 + ")" +
				"\n| summarize Rows = count() by Bin = bin(Timestamp, 30s)\n| extend Leg = 0" + project,
		},
		"union": {[]kql.Leg{
			{Dataset: snapshot, Windows: []hunting.Window{hour}, Bin: time.Hour},
			{Dataset: byEvent, Windows: []hunting.Window{hour}, Bin: time.Hour},
			{Dataset: table, Windows: []hunting.Window{hour}, Bin: time.Hour, Unclocked: true},
		}, "union\n(A\n| summarize Rows = count()\n| extend Bin = datetime(null), Leg = 0),\n" +
			"(A\n| where Timestamp >= " + t0 + " and Timestamp < " + t1 + "\n| summarize Rows = count() by Bin = bin(Timestamp, 60m)\n| extend Leg = 1),\n" +
			"(A\n| where Timestamp >= " + t0 + " and Timestamp < " + t1 + "\n| where isnull(ingestion_time())\n| summarize Rows = count() by Bin = bin(Timestamp, 60m)\n| extend Leg = 2)" + project},
		"unclocked without a time column": {
			[]kql.Leg{{Dataset: hunting.Dataset{Name: "A", Clock: hunting.ClockIngestion}, Windows: two, Bin: time.Hour, Unclocked: true}},
			"A\n| where isnull(ingestion_time())\n| summarize Rows = count()\n| extend Bin = datetime(null), Leg = 0" + project,
		},
		"no bins": {
			[]kql.Leg{{Dataset: byEvent, Windows: []hunting.Window{hour}}},
			"A\n| where Timestamp >= " + t0 + " and Timestamp < " + t1 + "\n| summarize Rows = count()\n| extend Bin = datetime(null), Leg = 0" + project,
		},
		"custom": {
			[]kql.Leg{{Dataset: custom, Windows: []hunting.Window{hour}, Bin: 5 * time.Millisecond}},
			"let _startTime = " + t0 + ";\nlet _endTime = " + t1 + ";\nA\n| where _startTime < _endTime\n| where Timestamp >= " + t0 + " and Timestamp < " + t1 +
				"\n| summarize Rows = count() by Bin = bin(Timestamp, 5ms)\n| extend Leg = 0" + project,
		},
		"custom, no bins": {
			[]kql.Leg{{Dataset: custom, Windows: []hunting.Window{hour}}},
			"let _startTime = " + t0 + ";\nlet _endTime = " + t1 + ";\nA\n| where _startTime < _endTime\n| where Timestamp >= " + t0 + " and Timestamp < " + t1 +
				"\n| summarize Rows = count()\n| extend Bin = datetime(null), Leg = 0" + project,
		},
		"custom, windows out of order": {
			[]kql.Leg{{Dataset: custom, Windows: []hunting.Window{two[1], two[0]}, Bin: 3 * hunting.Tick}},
			"let _startTime = " + t0 + ";\nlet _endTime = " + t2 + ";\nA\n| where _startTime < _endTime" +
				"\n| where (Timestamp >= " + t1 + " and Timestamp < " + t2 + ") or (Timestamp >= " + t0 + " and Timestamp < " + t1 + ")" +
				"\n| summarize Rows = count() by Bin = bin(Timestamp, 3tick)\n| extend Leg = 0" + project,
		},
		"custom snapshot": {
			[]kql.Leg{{Dataset: hunting.Dataset{Name: "Q", Mode: hunting.ModeSnapshot, Query: "A // all"}}},
			"A\n| summarize Rows = count()\n| extend Bin = datetime(null), Leg = 0" + project,
		},
	} {
		if diff := cmp.Diff(c.want, kql.Count(c.legs)); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
	if kql.Alone(table) || !kql.Alone(custom) {
		t.Error("custom queries alone must be counted alone")
	}
}

func TestNothing(t *testing.T) {
	t.Parallel()
	const none = "_IngestionTime >= " + t0 + " and _IngestionTime < " + t0
	for want, ds := range map[string]hunting.Dataset{
		"A\n| extend _IngestionTime = ingestion_time()\n| where " + none: table,
		"B\n| extend _IngestionTime = ingestion_time()\n| where " + none: with(snapshot, func(ds *hunting.Dataset) { ds.Name = "B" }),
		"let _startTime = " + t0 + ";\nlet _endTime = " + t0 + ";\nA":    with(custom, func(ds *hunting.Dataset) { ds.Query, ds.Mode = "A", hunting.ModeAggregate }),
		"A\n| where x == 1\n| take 0":                                    {Name: "Q", Mode: hunting.ModeSnapshot, TimeColumn: "_SnapshotTime", Query: "A\n| where x == 1 // all"},
	} {
		if diff := cmp.Diff(want, kql.Nothing(ds, start)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for want, ds := range map[string]hunting.Dataset{
		`dataset name "a b"`:                   {Name: "a b", Clock: hunting.ClockIngestion},
		`no mode "often"`:                      {Name: "A", Mode: "often", Clock: hunting.ClockIngestion},
		"only a custom query":                  {Name: "A", Mode: hunting.ModeAggregate, Clock: hunting.ClockEvent, TimeColumn: "T"},
		`no clock ""`:                          {Name: "A"},
		`no clock "x"`:                         {Name: "A", Clock: "x"},
		"no time column":                       {Name: "A", Clock: hunting.ClockEvent},
		`time column "T;"`:                     {Name: "A", Clock: hunting.ClockIngestion, TimeColumn: "T;"},
		`identity column ""`:                   {Name: "A", Clock: hunting.ClockIngestion, Identity: []string{"B", ""}},
		`slicing column "B)"`:                  {Name: "A", Mode: hunting.ModeSnapshot, Slicing: []string{"B)"}},
		"holds no query":                       {Name: "A", Clock: hunting.ClockEvent, Query: "// nothing"},
		"line 2: ) closes nothing":             {Name: "A", Clock: hunting.ClockEvent, Query: "A\n)"},
		"line 2: ( is not closed":              {Name: "A", Clock: hunting.ClockEvent, Query: "A\n| where (\n"},
		"line 1: the string that begins with ": {Name: "A", Clock: hunting.ClockEvent, Query: "A | where x == 'a\n'"},
	} {
		if err := kql.Check(ds); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q in %v", want, err)
		}
	}
	for _, good := range []hunting.Dataset{
		table, byEvent, snapshot, custom,
		{Name: "A", Clock: hunting.ClockIngestion},
		{Name: "Q", Clock: hunting.ClockEvent, Query: "A"}, // cuts by what it likes, and is counted as a whole
		{Name: "Q", Mode: hunting.ModeAggregate, Clock: hunting.ClockEvent, Query: "A"},
	} {
		if err := kql.Check(good); err != nil {
			t.Error(err)
		}
	}
}

// Whatever a dataset holds, only names and whole queries get past Check.
func TestOnlyNamesReachQueries(t *testing.T) {
	t.Parallel()
	name := rapid.OneOf(rapid.StringMatching(`[A-Za-z_][A-Za-z0-9_]{0,8}`), rapid.String(), rapid.SampledFrom([]string{"", "a b", "A\n", "x'", "T//", "ünd"}))
	names := rapid.SliceOfN(name, 0, 3)
	rapid.Check(t, func(t *rapid.T) {
		ds := hunting.Dataset{
			Name: name.Draw(t, "name"), TimeColumn: name.Draw(t, "time"),
			Identity: names.Draw(t, "identity"), Slicing: names.Draw(t, "slicing"),
			Mode:  rapid.SampledFrom([]hunting.Mode{hunting.ModeAppend, hunting.ModeSnapshot}).Draw(t, "mode"),
			Clock: rapid.SampledFrom([]hunting.Clock{hunting.ClockIngestion, hunting.ClockEvent, "x"}).Draw(t, "clock"),
		}
		if kql.Check(ds) != nil {
			return
		}
		for _, n := range slices.Concat([]string{ds.Name}, ds.Identity, ds.Slicing) {
			if !schema.ValidName(n) {
				t.Fatalf("%q passed", n)
			}
		}
		if ds.TimeColumn != "" && !schema.ValidName(ds.TimeColumn) {
			t.Fatalf("time column %q passed", ds.TimeColumn)
		}
		w := []hunting.Window{window(0, time.Hour)}
		query := kql.Page(ds, w[0], hunting.Slice{I: 1, N: 2}) + kql.Count([]kql.Leg{{Dataset: ds, Windows: w, Bin: time.Minute}, {Dataset: ds, Unclocked: true, Windows: w}})
		if i := strings.IndexFunc(query, func(r rune) bool { return r > '~' || strings.ContainsRune(";'\\/", r) }); i >= 0 {
			t.Fatalf("%q in %s", query[i:], query)
		}
	})
}

func TestWindowsOfAnyTimeAreLiterals(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("east", 3600)
	rapid.Check(t, func(t *rapid.T) {
		// 1900 to 2100, on whole ticks.
		at := time.Unix(rapid.Int64Range(-2208988800, 4102444800).Draw(t, "s"), 100*rapid.Int64Range(0, 9999999).Draw(t, "ticks")).In(zone)
		query := kql.Page(snapshot, hunting.Window{Start: at}, hunting.Slice{})
		text := query[strings.Index(query, "datetime(")+len("datetime(") : len(query)-1]
		got, err := time.Parse(time.RFC3339Nano, text)
		if err != nil || !got.Equal(at) || len(text) != len("2026-01-02T03:04:05.0000000Z") {
			t.Fatalf("%s became %s: %v", at, text, err)
		}
	})
}

// TestFingerprint: how a query is written does not count, what it says does.
func TestFingerprint(t *testing.T) {
	t.Parallel()
	const query = "// name: A\nT\n| where a == 'x  y' // why\n| project a"
	for _, same := range []string{
		strings.ReplaceAll(query, "\n", " \t\r\n"), strings.Replace(query, "name: A", "name: A\n// by me", 1), query + ";\n", "\ufeffT|where a=='x  y'|project a",
	} {
		if kql.Fingerprint(same) != kql.Fingerprint(query) {
			t.Errorf("%q is taken for another query than %q", same, query)
		}
	}
	for _, other := range []string{
		strings.Replace(query, "x  y", "x y", 1), strings.Replace(query, "==", "=~", 1), strings.Replace(query, "where a", "wherea", 1), query + ", b", "",
	} {
		if kql.Fingerprint(other) == kql.Fingerprint(query) {
			t.Errorf("%q is taken for %q", other, query)
		}
	}
}
