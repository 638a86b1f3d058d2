package kql_test

import (
	"strings"
	"testing"

	"hunting-exporter/pipeline"
	"hunting-exporter/source/kql"
)

const cut = "A | where Timestamp >= _startTime and Timestamp < _endTime\n"

func TestWindowable(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]string{
		"plain":                 cut,
		"flipped":               "A | where _startTime <= Timestamp and _endTime > Timestamp",
		"of the borders":        "A | where _startTime < _endTime and _endTime > _startTime and Timestamp >= _startTime",
		"sort":                  cut + "| sort by Timestamp asc | project Timestamp",
		"words in strings":      cut + "| where X == 'take 5 | take 5' or Y == @\"now() \\\" or Z == ```\n| take 1\n``` or h'ago(1d)' == h@'''|limit'",
		"verbatim quotes":       cut + "| where X == @'a''\\' and Y != @\"\"\"\\\"",
		"tildes":                cut + "| where X == ~~~\n| take 1\n~~~",
		"short of the end":      cut + "| where Other between (_startTime .. _endTime - 1tick)",
		"take of one row":       cut + "| mv-apply X on (sort by Y asc | take 1)",
		"words in comments":     cut + "// | take 5\n| where X // now()\n",
		"columns called so":     cut + "| extend count = 1, ago = 2, now = 3 | where count > 1 | project take = top, x.now, d.row_number",
		"properties":            cut + "| where d.now(1) == 1 and d.prev (2) == 2",
		"between days":          cut + "| where Other between (_startTime - 1d .. _startTime)",
		"between, short of end": cut + "| where Other between (_startTime .. (_endTime - 1tick))",
		"looks back":            cut + "| where Other > _startTime - 1d and Other <= _endTime + 1h and _startTime - 2d < Other",
		"look-up": cut + "| join kind=leftouter (B | where Timestamp >= _startTime - 7d and Timestamp < _endTime " +
			"| summarize arg_max(Timestamp, *) by DeviceId) on DeviceId",
		"look-up by let":        "let Names = B | distinct Name; let Top = toscalar(B | summarize max(N)); " + cut + "| where Name in (Names) and N < Top;",
		"look-up in the window": cut + "| where Name in ((B | where Timestamp >= _startTime and Timestamp < _endTime | distinct Name))",
		"let with default join": "let Known = B | join C on Id | summarize count() by Id;\n" + cut + "| lookup Known on Id",
		"function":              "let f = (from: datetime, to: datetime) { let n = 1; A | where Timestamp >= from and Timestamp < to };\nf(_startTime, _endTime)",
		"mv-apply":              cut + "| mv-apply X on (top 1 by Y | summarize make_list(Z)) | mv-expand Z",
		"evaluate":              cut + "| evaluate bag_unpack(Bag)",
		"union":                 "union A, B | where Timestamp >= _startTime and Timestamp < _endTime",
		"trailing semicolon":    cut + "; // done\n;",
		"settings":              "set notruncation; declare query_parameters(n: long = 1);" + cut,
		"spaces":                "\ufeffA\u00a0|\u200bwhere Timestamp >= _startTime and Timestamp < _endTime",
		"kinds of join":         cut + "| join hint.strategy=broadcast kind=inner (B) on X | join kind = leftanti (C) on X",
	} {
		if errs := kql.Windowable(query, pipeline.ModeAppend); len(errs) > 0 {
			t.Errorf("%s: %v", name, errs)
		}
	}
}

func TestNotWindowable(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"A": "does not use _startTime; does not use _endTime",
		"A // _startTime\n| where x == '_endTime' or d._startTime or x_startTime": "does not use _startTime; does not use _endTime",
		"":                                      "holds no query",
		"// only a comment":                     "holds no query",
		"A | where 'x":                          "line 1: the string that begins with ' is not closed",
		"A\n| where \"x\\\n\"":                  "line 2: the string that begins with \" is not closed",
		"A | where x == ```a\n``":               "line 1: the text that begins with ``` is not closed",
		"A | where (x]":                         "line 1: ] closes nothing",
		strings.Repeat("(", 300):                "line 1: brackets are nested more than 100 deep",
		"let x = 1; let _startTime = 2; " + cut: "line 1: _startTime is what the exporter sets",
		"let f = (_endTime: datetime) {1}; " + cut: "line 1: _endTime is what the exporter sets",
		"let X = " + cut:  "answers nothing",
		cut + ";\n" + cut: "line 3: a second query begins here",

		cut + "| take 5":                                            "line 2: take keeps some rows",
		cut + "|\n// twice\nlimit 5":                                "line 4: limit keeps some rows",
		cut + "| top 5 by X":                                        "line 2: top keeps some rows",
		cut + "| top-nested 5 of X by count()":                      "line 2: top-nested keeps some rows",
		cut + "| sample-distinct 5 of X":                            "line 2: sample-distinct keeps some rows",
		cut + "| sample 5":                                          "line 2: sample keeps some rows",
		cut + "| sort by X | take 5 | project Y":                    "line 2: take keeps some rows",
		cut + "| join kind=inner (B | take 5) on X":                 "line 2: take keeps some rows",
		"let B = A | take 5;\n" + cut + "| where X in (B)":          "line 1: take keeps some rows",
		cut + "|\u200btake 5":                                       "line 2: take keeps some rows",
		"let W = B | summarize count() by X;\n" + cut + "| union W": "line 1: summarize sums up",
		cut + "| getschema":                                         "line 2: getschema does not answer the rows",
		cut + "| render timechart":                                  "line 2: render does not answer the rows",
		cut + "| fork (take 5) (count)":                             "line 2: fork does not answer the rows",

		cut + "| summarize count() by X":             `line 2: summarize sums up the rows of one window, so that its answer depends on how time is cut: remove it, or put "// mode: aggregate"`,
		cut + "|count":                               "line 2: count sums up",
		cut + "| distinct X":                         "line 2: distinct sums up",
		cut + "| make-series n=count() on X step 1h": "line 2: make-series sums up",
		cut + "| reduce by X":                        "line 2: reduce sums up",
		cut + "| evaluate pivot(X)":                  "line 2: evaluate sums up",
		cut + "| partition by X (top 3 by Y)":        "line 2: partition sums up; line 2: top keeps some rows",
		cut + "| join A on X":                        "line 2: join without a kind",
		cut + "| join kind=innerunique (A) on X":     "line 2: join without a kind",
		"A | summarize n = count() by bin(Timestamp, 1h)\n| where Timestamp >= _startTime and Timestamp < _endTime": "line 1: summarize sums up",
		"(A | summarize count() by X) | where X >= _startTime and X < _endTime":                                     "line 1: summarize sums up",
		"union (A | distinct X), (B) | where X >= _startTime and X < _endTime":                                      "line 1: distinct sums up",
		cut + "| union (A | summarize count() by X)":                                                                "line 2: summarize sums up",
		"let W = A | where X >= _startTime and X < _endTime;\nW | summarize count() by Y":                           "line 2: summarize sums up",
		"let W = A | summarize count() by X;\nlet V = W;\nV | where X >= _startTime and X < _endTime":               "line 1: summarize sums up",
		"let W = () { A | summarize count() by X };\nunion W(), B | where X >= _startTime and X < _endTime":         "line 1: summarize sums up",
		"let W = view () { let n = 1; A | count };\nW | where X >= _startTime and X < _endTime":                     "line 1: count sums up",
		"let W = A | where X >= _startTime;\nlet N = toscalar(W | count);\n" + cut + "| where Y > N":                "line 2: count sums up the rows of one window, so that its answer depends on how time is cut: remove it, or let it look back",
		cut + "| join kind=inner (A | where X >= _startTime | summarize n=count() by Y | where n > 9) on Y":         "line 2: summarize sums up",
		cut + "| where X > toscalar(A | where X >= _startTime | summarize max(X))":                                  "line 2: summarize sums up",

		cut + "| serialize":                     "line 2: serialize depends",
		cut + "| extend n = row_number()":       "line 2: row_number() depends",
		cut + "| where (Y and (X != prev (X)))": "line 2: prev() depends",
		cut + "| extend n = next(X, 1)":         "line 2: next() depends",
		cut + "| scan declare (n: long) with (step s: X > 1 => n = 1; step t: true;)": "line 2: scan depends",

		cut + "| where X > ago(1d)":                         "line 2: ago() makes the rows of a window depend on when it is read: count from the window, such as _startTime - 7d",
		"let d = now ();\n" + cut:                           "line 1: now() makes",
		cut + "| where rand() < 0.5":                        "line 2: rand() differs",
		cut + "| extend Id = new_guid()":                    "line 2: new_guid() differs",
		"A | where X between (_startTime .. _endTime)":      "line 1: between includes its end",
		"A | where X !between(_startTime - 1d..\n_endTime)": "line 1: between includes its end",
		"A | where X >= _startTime and X <= _endTime":       "line 1: _endTime belongs to the next window",
		"A | where X >= _startTime and _endTime >= X":       "line 1: _endTime belongs to the next window",
		"A | where X > _startTime and X < _endTime":         "line 1: rows of the very _startTime would be left out",
		"A | where _startTime < X and X < _endTime":         "line 1: rows of the very _startTime would be left out",
	} {
		checkReasons(t, query, pipeline.ModeAppend, want)
	}
}

// checkReasons compares the reasons with the beginnings of those wanted.
func checkReasons(t *testing.T, query string, mode pipeline.Mode, want string) {
	t.Helper()
	var wanted []string
	if want != "" {
		wanted = strings.Split(want, "; ")
	}
	errs := kql.Windowable(query, mode)
	ok := len(errs) == len(wanted)
	for i := 0; ok && i < len(errs); i++ {
		ok = strings.HasPrefix(errs[i].Error(), wanted[i])
	}
	if !ok {
		t.Errorf("%s %q:\n got %v\nwant %s", mode, query, errs, want)
	}
}

func TestModesAllowWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		cut: "",
		"A": "does not use _startTime; does not use _endTime",
		cut + "| summarize count() by X | where prev(X) > 1 | join B on X": "",
		cut + "| summarize count() by X | where Y > ago(7d)":               "line 2: ago() makes",
		cut + "| summarize count() by X | top 5 by count_":                 "line 2: top keeps some",
		cut + "| partition by X (take 5)":                                  "line 2: take keeps some",
		cut + "| extend n = new_guid()":                                    "line 2: new_guid() differs",
		"A | where X between (_startTime .. _endTime) | count":             "line 1: between includes",
	} {
		checkReasons(t, query, pipeline.ModeAggregate, want)
	}
	for query, want := range map[string]string{
		cut: "line 1: a snapshot is exported whole, so there is no _startTime; line 1: a snapshot is exported whole, so there is no _endTime",
		"A": "",
		"let Old = ago(7d); A | where X > Old and Y <= now() | summarize arg_max(X, *) by Z | join B on Z": "",
		"A | take 5":                  "line 1: take keeps some",
		"A | extend n = row_number()": "line 1: row_number() depends on which rows come with it and in what order: remove it",
		"A | extend n = rand()":       "line 1: rand() differs",
		"A | getschema":               "line 1: getschema does not",
	} {
		checkReasons(t, query, pipeline.ModeSnapshot, want)
	}
}

// Whatever is written into a file, it is judged and not choked on; and what the judge
// lets through is whole, so that the exporter can write on behind it.
func FuzzWindowable(f *testing.F) {
	for _, seed := range []string{
		cut, "", "let f = (a: long) { let x = 1; A }; f(1) | partition by X (take 1)", "A | where X == h@'a''b' // c", "```\n```;;", "union (A),(B | count)",
		"A | top-nested 3 of | join kind=", "let =;", "|", "(", "between (.._endTime)", "let x = ", "~~~a~~~ \\ '\\'' \xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		for _, mode := range []pipeline.Mode{pipeline.ModeAppend, pipeline.ModeAggregate, pipeline.ModeSnapshot} {
			kql.Windowable(query, mode)
		}
		ds := pipeline.Dataset{Name: "Q", Mode: pipeline.ModeSnapshot, Query: query}
		if kql.Check(ds) != nil {
			return
		}
		ds.Query = kql.Page(ds, pipeline.Window{Start: start}, pipeline.Slice{I: 1, N: 2})
		if err := kql.Check(ds); err != nil {
			t.Fatalf("%q: %v", ds.Query, err)
		}
		// What was written behind the query is code: neither comment nor string holds it.
		if got := kql.Page(ds, pipeline.Window{Start: start}, pipeline.Slice{}); !strings.HasPrefix(got, ds.Query+"\n") {
			t.Fatalf("%q became %q", ds.Query, got)
		}
	})
}
