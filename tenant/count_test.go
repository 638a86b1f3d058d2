package tenant_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hunting-exporter/schema"
	"hunting-exporter/tenant"
)

// seed puts rows into tables, all of them visible at noon.
func seed(t *testing.T, tn *tenant.Tenant, rows int, tables ...string) {
	t.Helper()
	err := tn.Seed(tenant.Seed{
		Tables: tables, Rows: rows, From: noon.Add(-9 * time.Hour), To: noon.Add(-3 * time.Hour),
		Lag: func(row int) time.Duration { return time.Duration(row%120) * time.Minute },
	})
	if err != nil {
		t.Fatal(err)
	}
}

// bins counts rows of the truth by bin of a clock, the nil clock all in "".
func bins(tn *tenant.Tenant, table string, clock func(tenant.TruthRow) time.Time, width time.Duration, ranges ...[2]time.Time) map[string]int {
	out := map[string]int{}
	for r := range tn.Rows(table).Rows {
		at := clock(r)
		if len(ranges) == 0 || slices.ContainsFunc(ranges, func(g [2]time.Time) bool { return !at.Before(g[0]) && at.Before(g[1]) }) {
			out[at.Truncate(width).Format(time.RFC3339Nano)]++ // Truncate too counts from year 1
		}
	}
	return out
}

func ingestion(r tenant.TruthRow) time.Time { return r.Ingested }
func event(r tenant.TruthRow) time.Time     { return r.Event }

// Counts of several tables travel in one query, each leg by its own clock and width.
func TestCountsOfSeveralTables(t *testing.T) {
	tn := tenant.New(tenant.Options{Now: fixed, CallsPerMinute: -1})
	seed(t, tn, 700, "DeviceProcessEvents", "AlertInfo", "DeviceEvents", "DeviceInfo", "ExposureGraphNodes")
	if err := tn.WithoutIngestionTime("DeviceInfo"); err != nil {
		t.Fatal(err)
	}
	at := func(h, m int) time.Time { return noon.Add(-time.Duration(h)*time.Hour + time.Duration(m)*time.Minute) }
	query := fmt.Sprintf(`let _from = %[1]s;
union
(DeviceProcessEvents | extend _T = ingestion_time() | where _T >= _from and _T < %[2]s | summarize Rows = count() by Bin = bin(_T, 15m) | extend Leg = 0),
(AlertInfo | extend _T = Timestamp | where (_T >= %[3]s and _T < %[4]s) or (_T >= %[5]s and _T < %[6]s) | summarize Rows = count() by Bin = bin(_T, 50000tick) | extend Leg = 1),
(DeviceEvents | where Timestamp >= _from and Timestamp < %[2]s | where isnull(ingestion_time()) | summarize Rows = count() by Bin = bin(Timestamp, 15m) | extend Leg = 2),
(ExposureGraphNodes | summarize Rows = count() | extend Bin = datetime(null), Leg = 3),
(DeviceInfo | where Timestamp >= _from and Timestamp < %[2]s | where isnull(ingestion_time()) | summarize Rows = count() by Bin = bin(Timestamp, 1h) | extend Leg = 4)`,
		literal(at(8, 0)), literal(at(2, 0)), literal(at(8, 30)), literal(at(7, 0)), literal(at(5, 0)), literal(at(4, 59)))
	want := map[string]map[string]int{
		"0": bins(tn, "DeviceProcessEvents", ingestion, 15*time.Minute, [2]time.Time{at(8, 0), at(2, 0)}),
		"1": bins(tn, "AlertInfo", event, 5*time.Millisecond, [2]time.Time{at(8, 30), at(7, 0)}, [2]time.Time{at(5, 0), at(4, 59)}),
		"3": {"null": 700},
		"4": bins(tn, "DeviceInfo", event, time.Hour, [2]time.Time{at(8, 0), at(2, 0)}),
	}
	c := serve(t, tn)
	for _, path := range flavours {
		columns, rows := c.answer(path, query)
		if diff := cmp.Diff([]string{"Bin DateTime", "Rows Int64", "Leg Int64"}, columns); diff != "" {
			t.Errorf("%s: columns\n%s", path, diff)
		}
		legs := map[string][]map[string]any{}
		for _, r := range rows {
			leg := fmt.Sprint(r["Leg"])
			legs[leg] = append(legs[leg], r)
		}
		got := map[string]map[string]int{}
		for leg, rows := range legs {
			got[leg] = counts(t, rows)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\n%s", path, diff)
		}
	}
}

// A custom query is counted by event time behind whatever it does.
func TestCountsOfACustomQuery(t *testing.T) {
	tn := tenant.New(tenant.Options{Now: fixed, CallsPerMinute: -1})
	seed(t, tn, 900, "DeviceEvents")
	from, to := noon.Add(-8*time.Hour), noon.Add(-4*time.Hour)
	c := serve(t, tn)
	for _, custom := range []string{
		"DeviceEvents | where Timestamp >= _startTime and Timestamp < _endTime",
		"let wanted = DeviceEvents | where Timestamp >= _startTime;\nunion wanted | where Timestamp < _endTime | project Timestamp, DeviceId // all",
		"DeviceEvents | where Timestamp >= _startTime and Timestamp < _endTime | sort by Timestamp asc | extend Timestamp = Timestamp + 0s",
	} {
		rows := c.rows(fmt.Sprintf("let _startTime = %s; let _endTime = %s; %s \n| summarize Rows = count() by Bin = bin(Timestamp, 1m)", literal(from), literal(to), custom))
		got := counts(t, rows)
		if diff := cmp.Diff(bins(tn, "DeviceEvents", event, time.Minute, [2]time.Time{from, to}), got); diff != "" {
			t.Errorf("%s\n%s", custom, diff)
		}
	}
}

func TestTimespanLiterals(t *testing.T) {
	c := serve(t, tenant.New(tenant.Options{Now: fixed, CallsPerMinute: -1}))
	for text, want := range map[string]time.Duration{
		"15m": 15 * time.Minute, "1h": time.Hour, "1d": 24 * time.Hour, "30s": 30 * time.Second, "5ms": 5 * time.Millisecond, "1.5h": 90 * time.Minute,
		"50000tick": 5 * time.Millisecond, "1tick": 100, "9007199254740993ticks": 9007199254740993 * 100, "1microsecond": time.Microsecond, "time(00:15:00)": 15 * time.Minute,
		"timespan(1.02:00:00.0000001)": 26*time.Hour + 100, "time(15m)": 15 * time.Minute, "time(00:00:00.005)": 5 * time.Millisecond,
	} {
		if got := c.rows(fmt.Sprintf("print n = tolong(%s)", text))[0]["n"]; fmt.Sprint(got) != fmt.Sprint(int64(want/100)) {
			t.Errorf("%s is %v ticks, want %d", text, got, want/100)
		}
		at := time.Date(1969, 3, 2, 23, 59, 58, 987_654_300, time.UTC)
		want := at.Truncate(want).Format(time.RFC3339Nano)
		if got := c.rows(fmt.Sprintf("print b = bin(%s, %s)", literal(at), text))[0]["b"]; got != want {
			t.Errorf("bin of %v by %s is %v, want %v", at, text, got, want)
		}
	}
	if status, _ := c.query(m365d, "print 9223372036854775807d"); status != 400 {
		t.Errorf("a timespan that no tick count holds: %d, want 400", status)
	}
}

// A datetime is written as Go writes it, without needless digits.
func TestDatetimesAsText(t *testing.T) {
	tn := tenant.New(tenant.Options{Now: fixed})
	rapid.Check(t, func(rt *rapid.T) {
		at := schema.FromTicks(rapid.Int64Range(-621_355_968_000_000_000, 2_534_023_007_999_999_999).Draw(rt, "ticks"))
		if rapid.Bool().Draw(rt, "whole") {
			at = at.Truncate(time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(rt, "unit")))
		}
		var b strings.Builder
		if err := tn.Run(t.Context(), &b, "print t = "+literal(at)); err != nil {
			rt.Fatal(err)
		}
		if want := at.Format(`[{"t":"2006-01-02T15:04:05.9999999Z"}]}`); !strings.HasSuffix(b.String(), want) {
			rt.Errorf("%s, want %s", b.String(), want)
		}
	})
}

// condition is a random condition over both clocks, and what it means.
type condition struct {
	text string
	pass func(r tenant.TruthRow) bool
}

func conditions(depth int) *rapid.Generator[condition] {
	clocks := rapid.SampledFrom([]condition{{text: "Timestamp"}, {text: "ingestion_time()"}, {text: "_T"}})
	leaf := rapid.Custom(func(rt *rapid.T) condition {
		clock := clocks.Draw(rt, "clock").text
		value := func(r tenant.TruthRow) time.Time {
			if clock == "Timestamp" {
				return r.Event
			}
			return r.Ingested
		}
		at := noon.Add(-time.Duration(rapid.IntRange(0, 40).Draw(rt, "minutes")) * time.Minute)
		test := func(op string, ok func(at, limit time.Time) bool) condition {
			return condition{fmt.Sprintf("%s %s %s", clock, op, literal(at)), func(r tenant.TruthRow) bool { return !value(r).IsZero() && ok(value(r), at) }}
		}
		switch rapid.SampledFrom([]string{"<", "<=", ">", ">=", "==", "mirror", "null", "notnull", "never", "name"}).Draw(rt, "test") {
		case "<":
			return test("<", time.Time.Before)
		case "<=":
			return test("<=", func(at, limit time.Time) bool { return !at.After(limit) })
		case ">":
			return test(">", time.Time.After)
		case ">=":
			return test(">=", func(at, limit time.Time) bool { return !at.Before(limit) })
		case "==":
			return test("==", time.Time.Equal)
		case "mirror":
			return condition{literal(at) + " > " + clock, test("", time.Time.Before).pass}
		case "null":
			return condition{"isnull(" + clock + ")", func(r tenant.TruthRow) bool { return value(r).IsZero() }}
		case "notnull":
			return condition{"isnotnull(" + clock + ")", func(r tenant.TruthRow) bool { return !value(r).IsZero() }}
		case "never":
			return condition{clock + " < datetime(null)", func(tenant.TruthRow) bool { return false }}
		default:
			return condition{`Name == "a"`, func(r tenant.TruthRow) bool { return r.Cells[1].Text == "a" }}
		}
	})
	if depth == 0 {
		return leaf
	}
	return rapid.Custom(func(rt *rapid.T) condition {
		l, r := conditions(depth-1).Draw(rt, "l"), conditions(rapid.IntRange(0, depth-1).Draw(rt, "depth")).Draw(rt, "r")
		if rapid.Bool().Draw(rt, "and") {
			return condition{"(" + l.text + ") and (" + r.text + ")", func(x tenant.TruthRow) bool { return l.pass(x) && r.pass(x) }}
		}
		return condition{"(" + l.text + ") or (" + r.text + ")", func(x tenant.TruthRow) bool { return l.pass(x) || r.pass(x) }}
	})
}

// Whatever a condition says of the clocks, looking rows up and counting them without
// cells gives what the rows say.
func TestConditionsOnClocks(t *testing.T) {
	tn := tenant.New(tenant.Options{Now: fixed, CallsPerMinute: -1})
	columns := []schema.Column{{Name: "Timestamp", Type: "DateTime"}, {Name: "Name", Type: "String"}}
	var rows []tenant.Row
	for i := range 120 {
		r := tenant.Row{Ingested: noon.Add(-time.Duration(i*7%40) * time.Minute), Cells: []any{noon.Add(-time.Duration(i*11%40) * time.Minute), string(rune('a' + i%3))}}
		if i%9 == 0 {
			r.Cells[0] = nil
		}
		if i%10 == 1 {
			r.Visible = noon.Add(time.Minute)
		}
		rows = append(rows, r)
	}
	for part := range slices.Chunk(rows, 50) {
		if err := tn.Add("Both", columns, part...); err != nil {
			t.Fatal(err)
		}
	}
	c := serve(t, tn)
	rapid.Check(t, func(rt *rapid.T) {
		first, second := conditions(3).Draw(rt, "first"), conditions(1).Draw(rt, "second")
		want := map[string]int{}
		total := 0
		for r := range tn.Rows("Both").Rows {
			if r.Visible.After(noon) || !first.pass(r) || !second.pass(r) {
				continue
			}
			total++
			bin := "null"
			if !r.Event.IsZero() {
				bin = r.Event.Truncate(3 * time.Minute).Format(time.RFC3339Nano)
			}
			want[bin]++
		}
		rel := fmt.Sprintf("Both | extend _T = ingestion_time() | where %s | where %s", first.text, second.text)
		got := counts(rt, c.rows(rel+" | summarize Rows = count() by Bin = bin(Timestamp, 3m)"))
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Errorf("%s\n%s", rel, diff)
		}
		if n := len(c.rows(rel)); n != total {
			rt.Errorf("%s\n%d rows, want %d", rel, n, total)
		}
		if n := c.rows(rel + " | count")[0]["Count"]; fmt.Sprint(n) != fmt.Sprint(total) {
			rt.Errorf("%s\ncount %v, want %d", rel, n, total)
		}
	})
}

// The slices of a table are all its rows, each once, by any key and in any flavour.
func TestSlicesAreAllRows(t *testing.T) {
	tn := tenant.New(tenant.Options{Now: fixed, CallsPerMinute: -1})
	seed(t, tn, 400, "DeviceTvmSoftwareVulnerabilities", "ExposureGraphNodes")
	columns := []schema.Column{{Name: "Id", Type: "Guid"}, {Name: "Size", Type: "Int64"}, {Name: "Bag", Type: "Object"}}
	nulls := make([]tenant.Row, 9)
	for i := range nulls {
		nulls[i] = tenant.Row{Ingested: noon, Cells: []any{nil, nil, nil}}
	}
	if err := tn.Add("Nulls", columns, nulls...); err != nil {
		t.Fatal(err)
	}
	c := serve(t, tn)
	for _, tc := range []struct{ table, key string }{
		{"DeviceTvmSoftwareVulnerabilities", `strcat(tostring(DeviceId), "|", tostring(CveId))`},
		{"DeviceTvmSoftwareVulnerabilities", "tostring(pack_all())"},
		{"ExposureGraphNodes", "tostring(NodeId)"},
		{"Nulls", "tostring(Id)"},
		{"Nulls", "Size"},
		{"Nulls", "tostring(pack_all())"},
	} {
		for _, path := range flavours {
			_, whole := c.answer(path, tc.table)
			got := map[string]int{}
			for i := range 8 {
				query := fmt.Sprintf("%s | extend _SnapshotTime = datetime(2026-01-01T00:00:00.0000000Z) | where hash_xxhash64(%s, 8) == %d", tc.table, tc.key, i)
				columns, rows := c.answer(path, query)
				if last := columns[len(columns)-1]; last != "_SnapshotTime DateTime" {
					t.Fatalf("%s: the last column is %s", query, last)
				}
				for _, r := range rows {
					if r["_SnapshotTime"] != "2026-01-01T00:00:00Z" {
						t.Fatalf("%s: snapshot time %v", query, r["_SnapshotTime"])
					}
					delete(r, "_SnapshotTime")
					got[fmt.Sprint(r)]++
				}
			}
			want := map[string]int{}
			for _, r := range whole {
				want[fmt.Sprint(r)]++
			}
			if !maps.Equal(want, got) || len(want) == 0 {
				t.Errorf("%s by %s on %s: the slices are not the table", tc.table, tc.key, path)
			}
		}
	}
	if status, body := c.query(m365d, "Nulls | where hash_xxhash64(pack_all(), 8) == 3"); status != 400 || !strings.Contains(body, "does not take arguments of type dynamic") {
		t.Errorf("a hash of a bag: %d %s", status, body)
	}
}
