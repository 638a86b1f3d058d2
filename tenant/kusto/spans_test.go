package kusto

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"hunting-exporter/schema"
	"hunting-exporter/tenant/data"
	"hunting-exporter/tenant/kusto/syntax"
)

// Sets of ticks are what their members say, and in the form that their users expect.
func TestSpans(t *testing.T) {
	set := rapid.Custom(func(rt *rapid.T) spans {
		out := spans{}
		for range rapid.IntRange(0, 4).Draw(rt, "n") {
			from := rapid.Int64Range(0, 20).Draw(rt, "from")
			out = out.or(spans{{From: from, To: from + rapid.Int64Range(0, 6).Draw(rt, "width")}})
		}
		return out
	})
	rapid.Check(t, func(rt *rapid.T) {
		a, b := set.Draw(rt, "a"), set.Draw(rt, "b")
		both, either := a.and(b), a.or(b)
		for ticks := range int64(30) {
			if both.has(ticks) != (a.has(ticks) && b.has(ticks)) || either.has(ticks) != (a.has(ticks) || b.has(ticks)) {
				rt.Fatalf("%v and, or %v: %v, %v", a, b, both, either)
			}
		}
		for _, s := range []spans{both, either, a} {
			for i := range s {
				if s[i].From >= s[i].To || i > 0 && s[i].From <= s[i-1].To {
					rt.Fatalf("%v is out of order, touches or holds nothing", s)
				}
			}
		}
	})
}

// ticking is a table of n rows, one a second until now, each of which came in as it happened.
type ticking struct {
	now int64
	n   int
}

func (s ticking) Rows() int                                    { return s.n }
func (s ticking) Event(id int) int64                           { return s.now - int64(s.n-id)*data.TickSecond }
func (s ticking) Ingested(id int) int64                        { return s.Event(id) }
func (s ticking) Accessor(data.Column) func(id int) data.Value { return nil }
func (s ticking) ByIngested(in data.Span) data.IDs             { return data.Within(nil, s.n, in, s.Event) }

func (s ticking) ByEvent(at data.Span) data.IDs { return data.Within(nil, s.n, at, s.Event) }
func (s ticking) Seen() []int64                 { return nil }
func (s ticking) Table(name string) (*data.Table, bool) {
	t := data.NewTable(name)
	t.Segments = []data.Segment{s}
	return t, name == "AlertInfo"
}
func (s ticking) Names() []string { return []string{"AlertInfo"} }

func (s ticking) env() *env {
	return &env{tables: s, now: s.now, timespan: data.Always, stopped: func() bool { return false }, names: map[string]thing{}, spent: new(int)}
}

// compiled is a query's relation, and what it was compiled with.
func (s ticking) compiled(t *testing.T, query string) (*Relation, *env) {
	t.Helper()
	q, err := syntax.Parse(query)
	if err != nil {
		t.Fatal(query, err)
	}
	e := s.env()
	rel, err := e.compile(q)
	if err != nil {
		t.Fatal(query, err)
	}
	return rel, e
}

// A condition that bounds a clock looks rows up: no query reads many more rows than
// it answers.
func TestConditionsUseTheIndex(t *testing.T) {
	s := ticking{now: schema.ToTicks(time.Date(2026, 8, 20, 12, 0, 0, 0, time.UTC)), n: 86_400}
	for cond, most := range map[string]int{
		"true": 86_400,
		"(_T >= ago(20h) and _T < ago(19h)) or (_T >= ago(2h) and _T < ago(1h))":                         8000,
		"_T >= ago(20h) and _T < ago(19h) or _T >= ago(2h) and _T < ago(1h)":                             8000,
		"(Timestamp >= ago(20h) and Timestamp < ago(19h)) or (Timestamp == ago(1h))":                     5000,
		"((_T > ago(20h) and _T < ago(19h)) or (_T > ago(9h) and _T < ago(8h))) and Timestamp < ago(9h)": 8000,
		"(_T >= ago(20h) and _T < ago(19h) and Title == 'x') or (_T < ago(23h) and _T >= ago(24h))":      8000,
		"isnull(ingestion_time())":                       0,
		"isnull(_T) or Timestamp > ago(1h)":              86_400,
		"_T > ago(1h) and _T < ago(2h)":                  0,
		"_T > ago(1h) or Timestamp > ago(1h)":            86_400,
		"false":                                          0,
		"isnull(_T) and (Title == 'x' or _T > ago(24h))": 0,
	} {
		rel, _ := s.compiled(t, "AlertInfo | extend _T = ingestion_time() | where "+cond)
		looked := 0
		for _, c := range rel.source.candidates(rel.source.table.Segments[0]) {
			looked += c.N
		}
		if looked > most || most == 86_400 && looked < most {
			t.Errorf("%s: looks at %d rows, want at most %d", cond, looked, most)
		}
	}
}

// The counts that tables are measured by are made without cells, others are not.
func TestCountsAreMadeWithoutCells(t *testing.T) {
	tables := ticking{n: 1}
	for steps, want := range map[string]bool{
		"count":                               true,
		"summarize Rows = count()":            true,
		"summarize by bin(Timestamp, 1h)":     true,
		"summarize count() by bin(_T, 1tick)": true,
		"summarize Rows = count() by Bin = bin(ingestion_time(), 15m)": true,
		"where Title has 'x' | project When = Timestamp | count":       true,
		"summarize count() by bin(Timestamp, 1h), Title":               false,
		"summarize count() by Title":                                   false,
		"summarize count() by Timestamp":                               false,
		"summarize max(Title) by bin(Timestamp, 1h)":                   false,
		"summarize countif(Title == 'x') by bin(Timestamp, 1h)":        false,
		"summarize count() by bin(Timestamp + 1h, 1h)":                 false,
		"take 3 | count": false,
		"summarize count() by bin(Timestamp, 1h) | summarize count()":             false,
		"extend Timestamp = now() | summarize count() by bin(Timestamp, 15m)":     false,
		"summarize count() by bin(Timestamp, totimespan(substring(Title, 0, 1)))": false,
	} {
		q, err := syntax.Parse("AlertInfo | extend _T = ingestion_time() | " + steps)
		if err != nil {
			t.Fatal(steps, err)
		}
		main := q.Main.(syntax.Rows).Rows
		last := len(main.Steps) - 1
		final := main.Steps[last]
		if final.Name == "count" {
			final = syntax.Operator{Cols: []syntax.Named{{X: syntax.Call{Name: "count"}}}}
		}
		_, e := tables.compiled(t, "AlertInfo")
		main.Steps = main.Steps[:last]
		rel, err := e.compile(q)
		if err != nil {
			t.Fatal(steps, err)
		}
		by, err := e.columns(rel, final.By)
		if err != nil {
			t.Fatal(steps, err)
		}
		var aggs []agg
		for _, c := range final.Cols {
			a, err := e.agg(rel, c.X.(syntax.Call), nil)
			if err != nil {
				t.Fatal(steps, err)
			}
			aggs = append(aggs, a)
		}
		if got := countable(rel, by, aggs); got != want {
			t.Errorf("%s: countable %v, want %v", steps, got, want)
		}
	}
}
