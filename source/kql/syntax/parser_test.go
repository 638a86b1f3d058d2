package syntax_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"hunting-exporter/source/kql/syntax"
)

func check(t *testing.T, trees [][2]string) {
	t.Helper()
	for _, c := range trees {
		q, err := syntax.Parse(c[0])
		if err != nil {
			t.Errorf("%s: %v", c[0], err)
			continue
		}
		if diff := cmp.Diff(c[1], dump(q)); diff != "" {
			t.Errorf("%s:\n%s", c[0], diff)
		}
	}
}

func TestStatements(t *testing.T) {
	t.Parallel()
	check(t, [][2]string{
		{"", ""},
		{"T", "[T]"},
		{";T;;\n", "[T]"},
		{"let a = 7d; T | where x > ago(a)", "let a 168h0m0s; [T | where ?(x > ago(a))]"},
		{"let a = T | take 5;\na;", "let a [T | take #5]; [a]"},
		{"let a = materialize(T | where b); a", "let a materialize([T | where ?b]); [a]"},
		{"let f = (a:long = 1, b:string, T:(x:long)) { let y = a; T | where z == y; }; f(1)", `let f a=1, b, T:table{let y a; [T | where ?(z == y)]}; [f(1)]`},
		{"let f = () { 5 }; let g = view () { T }; let h = (T:(*), d:timespan = -1d) { T }; g", "let f {[5]}; let g {[T]}; let h T:table, d=-24h0m0s{[T]}; [g]"},
		{"let x = (T | where a); x", "let x [T | where ?a]; [x]"},
		{"let x = (T); let y = (a + 1); x", "let x T; let y (a + 1); [x]"},
		{"let e = entity_group [cluster('a').database('b'), D]; T", `let e entity_group(cluster("a").database("b"), D); [T]`},
		{"set query_take_max_records = 10001; set notruncation; T", "set query_take_max_records 10001; set notruncation; [T]"},
		{"declare query_parameters (a:long = 5, b:string); T", "declare  a=5, b; [T]"},
		{"alias database d = cluster('x').database('y'); restrict access to (T, U*); T", "alias d; restrict; [T]"},
		{"declare pattern p = (a:string)[b:string] { ('x').['y'] = { T; }; }; T", "pattern p; [T]"},
		{"let let = 5; let", "let let 5; [let]"},
		{"print 1", "[print 1]"},
		{"1 + 2", "[(1 + 2)]"},
	})
}

func TestExpressions(t *testing.T) {
	t.Parallel()
	check(t, [][2]string{
		{"print a or b and c == d + e * f", "[print (a or (b and (c == (d + (e * f)))))]"},
		{"print a - b - c, -a + -1d", "[print ((a - b) - c), ((-a) + (-24h0m0s))]"},
		{"print a has 'x' and b !has_cs 'y' or c matches regex @'\\d'", `[print (((a has "x") and (b !has_cs "y")) or (c matches regex "\\d"))]`},
		{"print a =~ 'x', b !~ 'y', c <> d, e != f", `[print (a =~ "x"), (b !~ "y"), (c <> d), (e != f)]`},
		{"print a in ('x', y), b !in~ (T), c in ((T | project X)), d has_any (T | project X)", `[print (a in {"x", y}), (b !in~ {T}), (c in {[T | project X]}), (d has_any {[T | project X]})]`},
		{"print a between (1 .. 5), b !between (ago(1d)..now())", "[print (a between 1..5), (b !between ago(24h0m0s)..now())]"},
		{"print a.b['c'][0].d, a.['x y'], ['q r'].s, a['x' 'y']", `[print a.b["c"][0].d, a.x y, q r.s, a["xy"x2]]`},
		{"print f(), g(*), h(x, *), i(a=1, b), not(c), case(a, 1, 2)", "[print f(), g(*), h(x, *), i(a=1, b), not(c), case(a, 1, 2)]"},
		{"print toscalar(T | count), toscalar(T), totable(x)", "[print toscalar([T | count]), toscalar(T), totable(x)]"},
		{"print x = 5, (y, z) = f(), kind, ['kind'] = 1", "[print x=5, y+z=f(), kind, kind=1]"},
		{"print (a), ((f(b))), ((T | where (c)))", "[print a, f(b), [T | where ?c]]"},
		{`database("x").T | where a`, `[database("x").T | where ?a]`},
		{`cluster("a").database('b').T`, `[cluster("a").database("b").T]`},
		{`workspace("a").f(1).g | take 1`, `[workspace("a").f(1).g | take #1]`},
		{"f(T) | where a", "[f(T) | where ?a]"},
		{"print $left.a == $right.b", "[print ($left.a == $right.b)]"},
	})
}

func TestLiterals(t *testing.T) {
	t.Parallel()
	check(t, [][2]string{
		{`print "a\t\"\\\u0041\x41\101", 'it"s', @"a\b""c", @'d''e', h"f", H@'g\', h'i'`, `[print "a\t\"\\AAA", "it\"s", "a\\b\"c", "d'e", "f", "g\\", "i"]`},
		{"print ```a\n'b```, ~~~c\nd~~~, h```e```", `[print "a\n'b", "c\nd", "e"]`},
		{"print 'a' \"b\"\n@'c'", `[print "abc"x3]`},
		{"print 1, 0x1F, 1.5, 1., 1e5, 1.5e-3, true, False", "[print 1, 0x1F, 1.5, 1., 1e5, 1.5e-3, true, False]"},
		{"print 7d, 1.5h, 10m, 30s, 100ms, 5microseconds, 1tick, 2days", "[print 168h0m0s, 1h30m0s, 10m0s, 30s, 100ms, 5µs, 100ns, 48h0m0s]"},
		{"print time(00:10:00), timespan(1.02:03:04.5), time(2), timespan(3h), timespan(null), timespan(-1d)", "[print 10m0s, 26h3m4.5s, 48h0m0s, 3h0m0s, timespan(null), -24h0m0s]"},
		{"print datetime(2026-01-31), datetime(2026-01-31T12:34:56.1234567Z), datetime(2026-01-31 12:34), datetime(null), datetime(x)", "[print 2026-01-31T00:00:00Z, 2026-01-31T12:34:56.1234567Z, 2026-01-31T12:34:00Z, datetime(null), datetime(x)]"},
		{"print long(5), int(null), real(1.5), bool(true), guid(74be27de-1e4e-49d9-b579-fe0b331d3642), decimal(1)", "[print long(5), int(null), real(1.5), bool(true), guid(74be27de-1e4e-49d9-b579-fe0b331d3642), decimal(1)]"},
		{`print dynamic([1, -2.5, "a", {"b": null, "c": [true]}, datetime(2026-01-01)]), dynamic(null)`, `[print dynamic([1, -2.5, "a", {"b": null, "c": [true]}, datetime(2026-01-01)]), dynamic(null)]`},
		{"print 3Dx, 7zip, mv-expander, a.b-c", "[print 3Dx, 7zip, (mv - expander), (a.b - c)]"},
		{"T | join U on$left.a==$right.b", "[T | join on:{($left.a == $right.b)} legs:{U}]"},
		{"print 90000000d", "[print 90000000d]"}, // more than Go's Duration holds
	})
}

func TestJoinedStrings(t *testing.T) {
	t.Parallel()
	q, err := syntax.Parse("T\r| where a in ('x',\r\n'y'\n'z' 'v') or b in (dynamic(['a'\u2028'b']))")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{4, 4, 5}, q.Joined); diff != "" {
		t.Error(diff)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"T\n| where a == 'C:\\Windows'": `line 2: \W in a string: write \\W, or @ before the string, which makes \ ordinary`,
		"T\r| where a == 'x":            "line 2: the string that begins with ' is not closed",
		"T\u2028| where (a":             "line 2: ( is not closed",
		"T\r\n| where a)":               "line 2: ) closes nothing",
		"T | where a == “x”":            "line 1: “ is no part of KQL: write \" or '",
		"T | where naïve":               "line 1: ï in the name naïve: write ['naïve']",
		"#connect x\nT":                 "line 1: # is no part of KQL: a line that begins with it is an order to an editor, remove it",
		".show tables":                  "line 1: a command of management begins with a point, not a query",
		"T | where title == 'x'":        "line 1: title is a keyword of KQL: as a name write ['title']",
		"T | where a == {x}":            "line 1: expected a value, found {: put a value for a placeholder",
		"T | where a in (b = c)":        "line 1: = gives a name: to compare write ==; expected )",
		"T | Where a":                   "line 1: expected an operator, found Where",
		"T | project-reorderTimestamp":  "line 1: write a space behind project-reorder",
		"T | where a == 74be27de-1e4e-49d9-b579-fe0b331d3642": `line 1: a GUID by itself: write it "74be27de-1e4e-49d9-b579-fe0b331d3642" or guid(74be27de-1e4e-49d9-b579-fe0b331d3642)`,
		"T | where a > datetime(2026-01-01\n)":                "line 1: datetime( is not closed on its line",
		"let a = 5\nT":                                        "line 2: a second query begins here, or | or ; is missing before T: put each query into a file of its own",
		"T |":                                                 "line 1: the query ends where an operator is missing",
		"T | project a,":                                      "line 1: the query ends where a value is missing",
		"where a":                                             "line 1: where is an operator: a table and | must stand before it",
		"T | lookup U":                                        "line 1: the query ends where on is missing",
		"T | join (U | where a == 1) on a, | take 1": "line 1: expected a value, found |",
		"let f = (a:list) { a }; f(1)":               "line 1: expected a type, found list",
	} {
		_, err := syntax.Parse(text)
		if err == nil {
			t.Errorf("%q is read", text)
		} else if diff := cmp.Diff(want, err.Error()); diff != "" {
			t.Errorf("%q:\n%s", text, diff)
		}
	}
}
