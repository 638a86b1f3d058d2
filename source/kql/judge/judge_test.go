package judge_test

import (
	"strings"
	"testing"

	"hunting-exporter/hunting"
	"hunting-exporter/source/kql/judge"
)

const (
	w   = "| where Timestamp >= _startTime and Timestamp < _endTime\n"
	cut = "A " + w
)

func options(mode hunting.Mode) judge.Options { return judge.Options{Mode: mode, Time: "Timestamp"} }

// accepted checks that nothing speaks against queries.
func accepted(t *testing.T, o judge.Options, queries map[string]string) {
	t.Helper()
	for name, query := range queries {
		if v := judge.Query(query, o); len(v.Refused) > 0 {
			t.Errorf("%s: %v\n%s", name, v.Refused, query)
		}
	}
}

// refused checks the beginning of the first reason against queries.
func refused(t *testing.T, o judge.Options, queries map[string]string) {
	t.Helper()
	for query, want := range queries {
		v := judge.Query(query, o)
		if len(v.Refused) == 0 || !strings.HasPrefix(v.Refused[0].String(), want) {
			t.Errorf("%q:\n got %v\nwant %s", query, v.Refused, want)
		}
	}
}

func TestRowsThatAreCut(t *testing.T) {
	t.Parallel()
	accepted(t, options(hunting.ModeAppend), map[string]string{
		"plain":               cut,
		"flipped":             "A | where _startTime <= Timestamp and _endTime > Timestamp",
		"two wheres":          "A | where Timestamp >= _startTime | extend Y = 1 | where Timestamp < _endTime",
		"of the borders":      "A | where _startTime < _endTime and _endTime > _startTime " + w,
		"sort":                cut + "| sort by Timestamp asc | project Timestamp",
		"wider too":           "A | where Timestamp > _startTime - 1d and Timestamp <= _endTime + 1h " + w,
		"between, then less":  "A | where Timestamp between (_startTime .. _endTime) and Timestamp < _endTime",
		"aliases":             "let s = _startTime; let e = _endTime; A | where Timestamp >= s and Timestamp < e",
		"constants":           "let back = 7d; A | where Timestamp >= _startTime - back " + w,
		"column alias":        "A | extend T = Timestamp | where T >= _startTime and T < _endTime",
		"renamed":             "A | project-rename When = Timestamp | where When >= _startTime and When < _endTime | project Timestamp = When, X",
		"a column of truth":   "A | extend In = Timestamp >= _startTime and Timestamp < _endTime | where In | project-away In",
		"borders named, away": "A | extend s = _startTime, e = _endTime | where Timestamp >= s and Timestamp < e | project-away s, e",
		"or of both":          "A | where (X == 1 and Timestamp >= _startTime and Timestamp < _endTime) or (X == 2 and Timestamp >= _startTime and Timestamp < _endTime)",
		"or within":           "A | where (X == 1 or X == 2) and Timestamp >= _startTime and Timestamp < _endTime",
		"not":                 "A | where not(Timestamp < _startTime) and not(Timestamp >= _endTime)",
		"words in strings":    cut + "| where X == 'take 5 | take 5' or Y == @\"now() \\\" or Z == ```\n| take 1\n``` or h'ago(1d)' == h@'|limit'",
		"columns called so":   cut + "| extend count = 1, ago = 2, now = 3 | where count > 1 | project Timestamp, take = top, x.now, d.row_number",
		"take of one row":     cut + "| mv-apply X on (sort by Y asc | take 1)",
		"mv-apply":            cut + "| mv-apply X on (top 1 by Y | summarize make_list(Z)) | mv-expand Z",
		"evaluate":            cut + "| evaluate bag_unpack(Bag)",
		"parse":               cut + "| parse X with * 'a' Y 'b' * | parse-where X with 'c' Z",
		"serialize":           cut + "| serialize",
		"partition":           cut + "| partition by X (where Y > 1 | extend Z = 1)",
		"by time":             cut + "| summarize count() by Timestamp, X",
		"newest by time":      cut + "| summarize arg_max(Timestamp, *), max(Timestamp) by Timestamp, X",
		"distinct time":       cut + "| distinct Timestamp, X",
		"distinct all":        "DeviceEvents " + w + "| distinct *",
		"distinct all, twice": cut + "| extend Also = Timestamp | project Also, Timestamp, X | distinct *",
		"to the last tick":    "A | where Timestamp between (_startTime .. _endTime - 1tick) | where Timestamp > _startTime - 1tick",
		"by time, then cut":   "A | summarize count() by Timestamp, X " + w,
		"render":              cut + "| render timechart",
		"trailing semicolon":  cut + "; // done\n;",
		"settings":            "set notruncation; declare query_parameters(n: long = 1);" + cut,
		"as":                  cut + "| as Hits | where X == 1",
		"datetime_add":        "A | where Timestamp >= datetime_add('hour', 0, _startTime) and Timestamp < _endTime",
	})
}

// The same column by another name, until the end.
func TestRowsThatAreCutByAnotherName(t *testing.T) {
	t.Parallel()
	accepted(t, judge.Options{Mode: hunting.ModeAppend, Time: "When"}, map[string]string{
		"renamed":      cut + "| project-rename When = Timestamp",
		"distinct all": "DeviceEvents | distinct * " + w + "| distinct * | project-rename When = Timestamp",
		"also":         cut + "| extend When = Timestamp | project When, Timestamp, X | distinct *",
	})
}

func TestUnions(t *testing.T) {
	t.Parallel()
	accepted(t, options(hunting.ModeAppend), map[string]string{
		"cut after":         "union A, B " + w,
		"cut before":        "union (A " + w + "), (B " + w + ")",
		"cut in two halves": "union (A | where Timestamp >= _startTime), (B | where Timestamp >= _startTime) | where Timestamp < _endTime",
		"piped":             cut + "| union (B " + w + ")",
		"by let":            "let X = B " + w + ";" + cut + "| union X",
		"as":                cut + "| as Hits | union (Hits | extend Twice = true)",
		"other time":        "union (A " + w + "), (B | where When >= _startTime and When < _endTime | project Timestamp = When)",
	})
	refused(t, options(hunting.ModeAppend), map[string]string{
		"DeviceEvents " + w + "| union DeviceInfo": "line 2: the rows of DeviceInfo pass no border",
		"union (A " + w + "), B":                   "line 2: the rows of B pass no border",
		"let X = B; " + cut + "| union X":          "line 2: the rows of B pass no border",
		"union (A " + w + "), (B | where When >= _startTime and When < _endTime | project When)": "line 2: the answer has no column Timestamp",
		"union (A " + w + "), (B | where When >= _startTime and When < _endTime | extend X = 1)": "line 2: the borders cut by another value",
	})
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	accepted(t, options(hunting.ModeAppend), map[string]string{
		"of borders": "let f = (from: datetime, until: datetime) { let n = 1; A | where Timestamp >= from and Timestamp < until };\nf(_startTime, _endTime)",
		"of rows":    "let f = (T: (*)) { T " + w + "};\nf(A)",
		"invoke":     "let f = (T: (*), n: long) { T | where X > n };\n" + cut + "| invoke f(5)",
		"of a row":   "let in_window = (t: datetime) { t >= _startTime and t < _endTime };\nA | where in_window(Timestamp)",
		"none":       "let f = () { A " + w + "};\nunion f(), (f | extend Y = 1)",
		"default":    "let f = (n: timespan = 0d) { A | where Timestamp >= _startTime - n and Timestamp < _endTime };\nf()",
	})
	refused(t, options(hunting.ModeAppend), map[string]string{
		"let f = (back: timespan) { A | where Timestamp >= _startTime - back and Timestamp < _endTime };\nf(1d)": "line 1: the rows begin at _startTime - 1d",
		"let f = (T: (*)) { T | summarize count() by X };\n" + cut + "| invoke f()":                              "line 1: summarize sums up",
		"let W = () { A | summarize Timestamp = max(Timestamp) by X };\nunion W(), B " + w:                       "line 1: summarize takes rows together",
		cut + "| invoke FileProfile(SHA1, 1000)":                                                                 "line 2: FileProfile looks up 1,000 files",
		cut + "| invoke SeenBy()":                                                                                "line 2: SeenBy is no function of this query",
	})
}

func TestRowsThatAreNotCut(t *testing.T) {
	t.Parallel()
	refused(t, options(hunting.ModeAppend), map[string]string{
		"A": "does not use _startTime",
		"A // _startTime\n| where x == '_endTime' or d._startTime or x_startTime": "does not use _startTime",
		"":                                      "holds no query",
		"// only a comment":                     "holds no query",
		"A | where 'x":                          "line 1: the string that begins with ' is not closed",
		"A | where (x]":                         "line 1: ] closes nothing",
		"let x = 1; let _startTime = 2; " + cut: "line 1: _startTime is what the exporter sets",
		"let f = (_endTime: datetime) {1}; " + cut + "| where f(1)": "line 1: _endTime is what the exporter sets",
		"let X = " + cut:  "answers nothing",
		cut + ";\n" + cut: "line 3: a second query begins here",

		"A | where Timestamp between (_startTime .. _endTime)":                                "line 1: _endTime belongs to the next window",
		"A | where Timestamp >= _startTime and Timestamp <= _endTime":                         "line 1: _endTime belongs to the next window",
		"A | where Timestamp > _startTime and Timestamp < _endTime":                           "line 1: rows of the very _startTime would be left out",
		"let s = _startTime; let e = _endTime; A | where Timestamp between (s .. e)":          "line 1: _endTime belongs to the next window",
		"A | where Timestamp >= _startTime - 7d and Timestamp < _endTime":                     "line 1: the rows begin at _startTime - 7d",
		"A | where Timestamp >= _startTime - 90m and Timestamp < _endTime":                    "line 1: the rows begin at _startTime - 90m,",
		"A | where Timestamp >= _startTime and Timestamp < _endTime - 1tick":                  "line 1: the rows end at _endTime - 1tick,",
		"A | where Timestamp >= datetime_add('day', -7, _startTime) and Timestamp < _endTime": "line 1: the rows begin at _startTime - 7d",
		"A | where Timestamp >= _startTime or Timestamp < _endTime":                           "line 1: the borders stand on one side of or",
		"A | where X == 1 or (Timestamp >= _startTime and Timestamp < _endTime)":              "line 1: the borders stand on one side of or",
		"A | extend f = _startTime, e = _endTime":                                             "line 1: the rows of A pass no border",
		cut + "| extend f = _startTime":                                                       "line 2: column f holds a border",
		cut + "| extend Age = _endTime - Timestamp":                                           "line 2: column Age holds a border",
		"A | where Timestamp >= _startTime and iff(X, Timestamp, Y) < _endTime":               "line 1: the rows have no border at _endTime",
		"A | where Timestamp >= _startTime and isnull(_endTime)":                              "line 1: a border is used in another way",
		"A | where _startTime > datetime(2026-01-01) " + w:                                    "line 1: what is answered depends on the border itself",
		cut + "| where When >= _startTime":                                                    "line 2: a second value is compared with the borders",
		cut + "| extend Timestamp = Timestamp + 1h":                                           "line 1: the borders cut by another value",
		cut + "| project X":                                                          "the answer has no column Timestamp",
		cut + "| project-away Time*":                                                 "the answer has no column Timestamp",
		cut + "| project Timestamp = bin(Timestamp, 1h)":                             "line 1: the borders cut by another value",
		cut + "| evaluate bag_unpack(Bag, columnsConflict='replace_source')":         "line 2: replace_source puts what a bag holds in place",
		"let how = 'replace_source'; " + cut + "| evaluate bag_unpack(Bag, '', how)": "line 2: replace_source",
		"A | where ingestion_time() >= _startTime and ingestion_time() < _endTime":   "line 1: the borders cut by another value",
		"find in (A, B) where Timestamp >= _startTime and Timestamp < _endTime":      "line 1: find is not an operator",
		"range Timestamp from _startTime to _endTime step 1h":                        "line 1: range makes its rows from the borders",
		"print Timestamp = _startTime, e = _endTime":                                 "line 1: the rows of print pass no border",
	})
}

func TestOperatorsThatTakeRowsTogether(t *testing.T) {
	t.Parallel()
	refused(t, options(hunting.ModeAppend), map[string]string{
		cut + "| take 5":                                   "line 2: take keeps some rows",
		cut + "|\n// twice\nlimit 5":                       "line 4: take keeps some rows",
		cut + "| top 5 by X":                               "line 2: top keeps some rows",
		cut + "| top-nested 5 of X by count()":             "line 2: top-nested keeps some rows",
		cut + "| sample-distinct 5 of X":                   "line 2: sample-distinct keeps some rows",
		cut + "| sample 5":                                 "line 2: sample keeps some rows",
		cut + "| join kind=inner (B | take 5) on X":        "line 2: take keeps some rows",
		"let B = A | take 5;\n" + cut + "| where X in (B)": "line 1: take keeps some rows",
		cut + "| getschema":                                "line 2: getschema does not answer",
		cut + "| fork (take 5) (count)":                    "line 2: fork does not answer",
		cut + "| render timechart | where X == 1":          "line 2: render does not answer",
		cut + "| summarize count() by X":                   "line 2: summarize sums up the rows of one window",
		cut + "| summarize count() by bin(Timestamp, 1h)":  "line 2: summarize sums up the rows of one window",
		cut + "| count":                                    "line 2: count sums up",
		cut + "| distinct X":                               "line 2: distinct sums up",
		cut + "| make-series n=count() on X step 1h":       "line 2: make-series sums up",
		cut + "| reduce by X":                              "line 2: reduce sums up",
		cut + "| evaluate pivot(X)":                        "line 2: evaluate sums up",
		cut + "| partition by X (top 3 by Y)":              "line 2: top keeps some rows",
		cut + "| partition by X (summarize count())":       "line 2: summarize sums up",
		"A | summarize arg_max(Timestamp, *) by X " + w:    "line 1: summarize takes rows together",
		"A | summarize count() by bin(Timestamp, 1h) " + w: "line 1: summarize takes rows together",
		"A | top 100 by X " + w:                            "line 1: top takes rows together",
		"A | serialize n = row_number() " + w:              "line 1: row_number() takes rows together",
		cut + "| extend n = row_number()":                  "line 2: row_number() depends",
		cut + "| where (Y and (X != prev (X)))":            "line 2: prev() depends",
		cut + "| scan declare (n: long) with (step s: X > 1 => n = 1; step t: true;)": "line 2: scan depends",
		cut + "| where X > ago(1d)":                 "line 2: ago() makes",
		"let d = now ();\n" + cut + "| where X > d": "line 1: now() makes",
		cut + "| where rand() < 0.5":                "line 2: rand() differs",
		cut + "| extend Id = new_guid()":            "line 2: new_guid() differs",
		"set query_take_max_records = 10;\n" + cut:  "line 1: set query_take_max_records cuts an answer short",
		"set deferpartialqueryfailures;\n" + cut:    "line 1: set deferpartialqueryfailures cuts an answer short",
	})
}

// A border decides which rows there are, or what they hold, elsewhere than in a where.
func TestBordersElsewhere(t *testing.T) {
	t.Parallel()
	const held, other = "line 2: column B holds a border", "line 2: a border is used in another way"
	refused(t, options(hunting.ModeAppend), map[string]string{
		cut + "| extend B = Timestamp - _startTime | distinct Timestamp, B":                                                                      held,
		cut + "| extend B = _endTime | summarize arg_max(X, *) by Timestamp":                                                                     held,
		cut + "| summarize B = max(Timestamp - _startTime) by Timestamp":                                                                         held,
		cut + "| extend B = toscalar(print x = _startTime)":                                                                                      held,
		cut + "| mv-apply X on (extend B = _startTime)":                                                                                          held,
		cut + "| mv-expand B = pack_array(_startTime)":                                                                                           other,
		cut + "| mv-expand B = range(_startTime, _endTime, 1h) | project-away B":                                                                 other,
		cut + "| mv-apply X on (top 1 by Y - _startTime)":                                                                                        other,
		cut + "| parse strcat(_startTime) with B":                                                                                                other,
		cut + "| evaluate bag_unpack(bag_pack('a', _startTime))":                                                                                 other,
		cut + "| where X in ((print _startTime))":                                                                                                other,
		cut + "| join kind=inner (B | make-series n = count() on Timestamp from _startTime to _endTime step 1h by X) on X":                       other,
		cut + "| join kind=inner (B | top 5 by Timestamp - _startTime) on X":                                                                     other,
		cut + "| join kind=inner (B | summarize n = countif(Timestamp >= _startTime) by X | where n > 3) on X":                                   other,
		cut + "| extend D = _startTime | join kind=inner (B) on $left.D == $right.D | project-away D, D1":                                        other,
		cut + "| lookup (B | extend Y = _startTime) on Y":                                                                                        other,
		cut + "| join kind=inner (B | scan with (step s: Timestamp >= _startTime;)) on X":                                                        other,
		cut + "| join kind=inner (B | scan declare (n: datetime) with (step s: true => n = _endTime;) | project X) on X":                         other,
		cut + "| join kind=inner (B | evaluate pivot(X, countif(Timestamp < _startTime), Y)) on Y":                                               other,
		cut + "| join kind=inner (B | evaluate activity_counts_metrics(X, Timestamp, _startTime, _endTime, 1d)) on X":                            other,
		cut + "| join kind=inner (B | top-nested 1 of X by Hits = countif(Timestamp > _startTime)) on X":                                         other,
		cut + "| join kind=inner (B | make-graph X --> Y with_node_id=Z | graph-match (a)-[e]->(b) where e.T > _startTime project X = a.X) on X": "line 2: make-graph is not an operator",
		cut + "| extend From = _startTime | extend Raw = pack_all() | project-away From":                                                         "line 2: column Raw holds a border",
		cut + "| extend From = _startTime | extend Raw = Timestamp - column_ifexists('From', Timestamp) | project-away From":                     "line 2: column Raw holds a border",
		cut + "| extend From = _startTime | search 'x' | project-away From":                                                                      other,
		cut + "| extend From = _startTime | where * has 'x' | project-away From":                                                                 other,
		"let s = toscalar(B | summarize countif(Timestamp >= _startTime));\n" + cut + "| where X > s":                                            "line 1: a border is used in another way",
	})
}

// TestWholeNumbersAreDividedToWholeOnes: 90/60 is 1 to KQL, so that a side reaches less far than it seems.
func TestWholeNumbersAreDividedToWholeOnes(t *testing.T) {
	t.Parallel()
	met := func(reach string) string {
		return "DeviceProcessEvents " + w + "| join kind=inner (DeviceFileEvents | where Timestamp >= " + reach + " and Timestamp < _endTime " +
			"| project DeviceId, Created = Timestamp) on DeviceId | where Created between (Timestamp - 90m .. Timestamp)"
	}
	refused(t, options(hunting.ModeAppend), map[string]string{
		met("_startTime - (90/60)*1h"): "line 2: ", met("_startTime - 1h*(3/2)"): "line 2: ", met("datetime_add('hour', -90/60, _startTime)"): "line 2: ",
	})
	accepted(t, options(hunting.ModeAppend), map[string]string{"timespan": met("_startTime - 3h/2"), "product": met("_startTime - 3*30m")})
}

func TestJoins(t *testing.T) {
	t.Parallel()
	accepted(t, options(hunting.ModeAppend), map[string]string{
		"look-up":             cut + "| join kind=leftouter (B | summarize arg_max(Timestamp, *) by DeviceId) on DeviceId",
		"look-up, inner":      cut + "| join hint.strategy=broadcast kind=inner (B) on X | join kind = leftanti (C) on X",
		"lookup":              "let Known = B | join C on Id | summarize count() by Id;\n" + cut + "| lookup Known on Id",
		"top in a look-up":    cut + "| join kind=inner (B | top 10 by X) on X",
		"list":                "let Names = B | distinct Name; let Top = toscalar(B | summarize max(N)); " + cut + "| where Name in (Names) and N < Top;",
		"list of values":      "let Names = dynamic(['a', 'b']); " + cut + "| where Name in (Names) or X has_any (Names)",
		"right side is cut":   "DeviceInfo | project DeviceId, OS = OSPlatform | join kind=inner (A " + w + ") on DeviceId",
		"by time":             cut + "| join kind=inner (B " + w + ") on Timestamp, DeviceId",
		"anti by time":        cut + "| join kind=leftanti (B " + w + ") on Timestamp, DeviceId",
		"reaches further":     "DeviceLogonEvents " + w + "| join kind=inner (DeviceEvents | where Timestamp >= _startTime - 1h and Timestamp < _endTime) on DeviceId | where Timestamp1 between (Timestamp - 1h .. Timestamp)",
		"reaches ahead":       "DeviceLogonEvents " + w + "| join kind=leftouter (DeviceEvents | where Timestamp between (_startTime .. _endTime + 30m) | project DeviceId, Then = Timestamp) on DeviceId | where Then - Timestamp between (0m .. 30m)",
		"the other's time":    cut + "| join kind=inner (B " + w + ") on Timestamp, DeviceId | project DeviceId, Timestamp = Timestamp1",
		"outer by time":       cut + "| join kind=leftouter (B " + w + "| project Timestamp, Id, Y) on Timestamp, Id",
		"compared, no border": "DeviceLogonEvents " + w + "| join kind=inner (DeviceEvents) on DeviceId | where Timestamp1 > Timestamp",
	})
	sides := map[string]string{
		cut + "| join kind=inner (B " + w + ") on DeviceId":                                                                            "line 2: which rows of its two sides meet",
		cut + "| join kind=leftanti (B " + w + ") on DeviceId":                                                                         "line 2: which rows of its two sides meet",
		cut + "| join kind=leftsemi (B " + w + ") on DeviceId":                                                                         "line 2: which rows of its two sides meet",
		cut + "| join kind=leftouter (B | where Timestamp >= _startTime - 7d and Timestamp < _endTime) on Id":                          "line 2: which rows of its two sides meet",
		cut + "| where DeviceId in ((B " + w + "| project DeviceId))":                                                                  "line 2: this list holds what one window has seen",
		"let n = B " + w + "| project DeviceId;" + cut + "| where DeviceId in (n)":                                                     "line 3: this list holds",
		cut + "| where X > toscalar(B " + w + "| summarize max(X))":                                                                    "line 2: this list holds",
		cut + "| lookup (B " + w + "| summarize count() by DeviceId) on DeviceId":                                                      "line 2: the other side of this join is made of what one window has seen",
		cut + "| join kind=leftouter (B | where Timestamp >= _startTime - 7d and Timestamp < _endTime | summarize max(X) by Id) on Id": "line 2: the other side of this join",
	}
	refused(t, options(hunting.ModeAppend), sides)
	sides["A | join kind=inner (B "+w+"| project X, Y = Timestamp) on X "+w] = ""
	for query := range sides {
		o := options(hunting.ModeAppend)
		o.JoinWindow = true
		accepted(t, o, map[string]string{"join: window": query})
	}
	within := options(hunting.ModeAppend)
	within.JoinWindow = true
	refused(t, within, map[string]string{cut + "| where Y >= _startTime | join kind=inner (B " + w + "| distinct X) on X": "line 2: a second value is compared"})
	refused(t, options(hunting.ModeAppend), map[string]string{
		cut + "| join B on X":                                      "line 2: join without a kind",
		cut + "| join kind=innerunique (B) on X":                   "line 2: join without a kind",
		cut + "| join kind=fullouter (B) on X":                     "line 2: join kind=fullouter answers rows of its right side that meet nothing, and these come in every window: use kind=leftouter",
		"B | join kind=fullouter (A " + w + ") on X":               "line 1: join kind=fullouter answers rows of its left side that meet nothing, and these come in every window: use kind=rightouter",
		cut + "| where Y >= _startTime | join kind=inner (B) on X": "line 2: a second value is compared",
		cut + "| join kind=rightouter (B) on X":                    "line 2: join kind=rightouter answers rows of its right side",
		cut + "| join kind=inner (B | where Timestamp >= _startTime - 1h and Timestamp < _endTime | project X, Other = Timestamp) on X | where Other between (Timestamp - 1h .. Timestamp)": "line 2: A may have a column Other of its own",
		"B | join kind=inner (" + cut + ") on X":     "line 1: B may have a column Timestamp of its own",
		cut + "| join kind=rightsemi (B) on X":       "line 2: join kind=rightsemi answers",
		cut + "| join kind=rightanti (B) on X":       "line 2: join kind=rightanti answers rows of its right side",
		"B | join kind=leftouter (A " + w + ") on X": "line 1: ",
		// Rows without a partner lack the time of the other side.
		cut + "| join kind=leftouter (B " + w + "| project Timestamp, Id) on Timestamp, Id | project Id, Timestamp = Timestamp1":                                                                         "line 1: the borders cut by another value",
		cut + "| join kind=leftouter (B | project Timestamp, Id) on Timestamp, Id | project Id, Timestamp = Timestamp1":                                                                                  "line 1: the borders cut by another value",
		"A " + w + "| project Timestamp, Id | join kind=rightouter (B " + w + "| project Timestamp, Id, Y) on Timestamp, Id | project Y, Timestamp":                                                      "line 2: the borders cut by another value",
		"let n = DeviceEvents " + w + "| project DeviceId; DeviceInfo | where DeviceId in (n)":                                                                                                           "line 2: ",
		"DeviceLogonEvents " + w + "| join kind=inner (DeviceEvents | where Timestamp >= _startTime - 1h and Timestamp < _endTime) on DeviceId | where Timestamp1 between (Timestamp - 2h .. Timestamp)": "line 2: which rows",
		"DeviceLogonEvents " + w + "| join kind=leftanti (DeviceEvents | where Timestamp >= _startTime - 1h and Timestamp < _endTime) on DeviceId":                                                       "line 2: which rows",
	})
}

func TestAggregates(t *testing.T) {
	t.Parallel()
	accepted(t, options(hunting.ModeAggregate), map[string]string{
		"plain":       cut,
		"sum":         cut + "| summarize n = count(), Timestamp = max(Timestamp) by X | where prev(X) > 1 | join B on X",
		"bins":        cut + "| summarize count() by bin(Timestamp, 1h)",
		"borders":     cut + "| summarize n = count() by X | extend Timestamp = _startTime",
		"two sums":    "let a = A " + w + "| summarize n = count(), Timestamp = max(Timestamp) by X; let b = B " + w + "| summarize m = count() by X; a | join kind=leftouter b on X",
		"function":    "let f = () { A " + w + "| summarize n = count() by bin(Timestamp, 1h) }; f",
		"pairs":       cut + "| join kind=inner (B " + w + ") on X | summarize count() by bin(Timestamp, 1h)",
		"make-series": cut + "| make-series n = count() on Timestamp from _startTime to _endTime step 1h by X | mv-expand n, Timestamp",
	})
	refused(t, options(hunting.ModeAggregate), map[string]string{
		"A | join kind=leftsemi (B " + w + ") on X | summarize count() by bin(Timestamp, 1h)":               "line 1: join kind=leftsemi answers rows of its left side in every window",
		"A | summarize Timestamp = max(Timestamp) by X | join kind=leftsemi (B " + w + "| distinct X) on X": "line 1: join kind=leftsemi answers rows of its left side in every window",
		cut + "| join kind=rightsemi (B) on X | summarize count() by bin(Timestamp, 1h)":                    "line 2: join kind=rightsemi answers",
		"A": "does not use _startTime",
		cut + "| summarize count() by X | where Y > ago(7d)":                                                                                                                           "line 2: ago() makes",
		cut + "| summarize n = count(), Timestamp = max(Timestamp) by X | top 5 by n":                                                                                                  "line 2: top keeps some",
		cut + "| extend n = new_guid() | summarize count() by bin(Timestamp, 1h), n":                                                                                                   "line 2: new_guid() differs",
		"A | where Timestamp between (_startTime .. _endTime) | summarize count() by Timestamp":                                                                                        "line 1: _endTime belongs",
		"A | where Timestamp >= _startTime - 1d and Timestamp < _endTime | summarize count() by bin(Timestamp, 1h)":                                                                    "line 1: the rows begin at _startTime - 1d",
		"union (A " + w + "), B | summarize count() by bin(Timestamp, 1h)":                                                                                                             "line 2: the rows of B pass no border",
		cut + "| summarize count() by X":                                                                                                                                               "the answer has no column Timestamp",
		"B | summarize n = count() by X | join kind=leftouter (A " + w + "| summarize Timestamp = max(Timestamp) by X) on X":                                                           "line 1: join kind=leftouter answers",
		"A | where Timestamp >= _startTime - 1d and Timestamp < _endTime | summarize n = count() by X | join kind=inner (B " + w + "| summarize Timestamp = max(Timestamp) by X) on X": "line 1: the rows begin at _startTime - 1d",
		cut + "| summarize Timestamp = max(Timestamp) by X | join kind=inner (B | where Timestamp >= _startTime - 1d and Timestamp < _endTime | summarize n = count() by X) on X":      "line 2: the other side of this join",
		cut + "| summarize Timestamp = max(Timestamp) by X | join kind=inner (B | where Timestamp >= _startTime - 1d and Timestamp < _endTime) on X":                                   "line 2: the other side of this join",
	})
}

func TestSnapshots(t *testing.T) {
	t.Parallel()
	accepted(t, options(hunting.ModeSnapshot), map[string]string{
		"all":  "A",
		"sums": "let Old = ago(7d); A | where X > Old and Y <= now() | summarize arg_max(X, *) by Z | join B on Z",
	})
	refused(t, options(hunting.ModeSnapshot), map[string]string{
		cut:                           "line 1: a snapshot is exported whole, so there is no _startTime",
		"A | take 5":                  "line 1: take keeps some",
		"A | top 5 by X":              "line 1: top keeps some",
		"A | extend n = row_number()": "line 1: row_number() depends on which rows come with it and in what order: remove it",
		"A | extend n = rand()":       "line 1: rand() differs",
		"A | getschema":               "line 1: getschema does not",
	})
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		cut + "| render timechart":                  "line 2: render draws a chart and is left out",
		cut + "| where X in ('a' 'b', 'c')":         "line 2: two strings side by side are one",
		"\nExposureGraphEdges " + w:                 "line 2: ExposureGraphEdges has no column Timestamp",
		"union isfuzzy=true A, B " + w:              "line 1: isfuzzy=true leaves",
		cut + "| where X has_any ('a',\n 'b'\n'c')": "line 3: two strings",

		cut + "| lookup (B | summarize take_any(OS) by Id) on Id":    "line 2: what lookup finds may change",
		cut + "| join kind=leftouter (union B, C) on Id":             "line 2: what join finds may change",
		"B | project Id, OS | join kind=inner (\nA " + w + ") on Id": "line 1: what join finds may change",
	} {
		v := judge.Query(query, options(hunting.ModeAppend))
		if len(v.Refused) > 0 || len(v.Warned) != 1 || !strings.HasPrefix(v.Warned[0].String(), want) {
			t.Errorf("%q: %+v, want the warning %q", query, v, want)
		}
	}
}

// TestLookUpsThatChange: rows that stay as they are, or are known by columns of their own,
// need no warning.
func TestLookUpsThatChange(t *testing.T) {
	t.Parallel()
	lookup := cut + "| join kind=inner (B) on Id"
	for name, c := range map[string]struct {
		query string
		o     judge.Options
	}{
		"known":   {lookup, judge.Options{Time: "Timestamp", Identity: true}},
		"window":  {lookup, judge.Options{Time: "Timestamp", JoinWindow: true}},
		"sums":    {lookup, judge.Options{Time: "Timestamp", Mode: hunting.ModeAggregate}},
		"list":    {cut + "| where Id in (B)", judge.Options{Time: "Timestamp"}},
		"semi":    {cut + "| join kind=leftsemi (B) on Id", judge.Options{Time: "Timestamp"}},
		"written": {cut + "| join kind=inner (datatable(Id: string, OS: string)['a', 'b']) on Id", judge.Options{Time: "Timestamp"}},
		"by time": {cut + "| join kind=inner (B " + w + ") on Timestamp, Id", judge.Options{Time: "Timestamp"}},
	} {
		if c.o.Mode == "" {
			c.o.Mode = hunting.ModeAppend
		}
		if v := judge.Query(c.query, c.o); len(v.Refused)+len(v.Warned) > 0 {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// Whatever is written into a file, it is judged and not choked on.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		cut, "", "let f = (a: long) { let x = 1; A }; f(1) | partition by X (take 1)", "union (A),(B | count)", "let a = union a, a; let b = union a, a; b " + w,
		"A | join kind=inner (A) on $left.X == $right.Y | mv-apply X on (where Y between (_startTime .. 1d))", "A | invoke f() | as B | evaluate x()",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(_ *testing.T, query string) {
		for _, mode := range []hunting.Mode{hunting.ModeAppend, hunting.ModeAggregate, hunting.ModeSnapshot} {
			judge.Query(query, options(mode))
		}
	})
}
