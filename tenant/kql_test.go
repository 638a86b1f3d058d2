package tenant_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hunting-exporter/schema"
	"hunting-exporter/tenant"
)

// small is a tenant with two tables of a few rows, for queries whose answers a
// person can tell.
func small(t *testing.T, o tenant.Options) *tenant.Tenant {
	t.Helper()
	o.Now = fixed
	tn := tenant.New(o)
	cols := []schema.Column{
		{Name: "Timestamp", Type: "DateTime"},
		{Name: "Name", Type: "String"},
		{Name: "Size", Type: "Int64"},
		{Name: "Flag", Type: "SByte"},
		{Name: "Bag", Type: "Object"},
		{Name: "Score", Type: "Double"},
		{Name: "Id", Type: "Guid"},
	}
	at := func(m int) time.Time { return noon.Add(time.Duration(m) * time.Minute) }
	const guid = "aaaaaaaa-0000-0000-0000-000000000001"
	rows := []tenant.Row{
		{Ingested: at(-50), Cells: []any{at(-60), "alpha.exe", 10, true, `{"k":{"v":"x"},"n":7}`, 1.5, guid}},
		{Ingested: at(-40), Cells: []any{at(-45), "Beta \"quoted\"", 20, false, `["a","b"]`, nil, nil}},
		{Ingested: at(-30), Cells: []any{at(-31), "", nil, nil, nil, 2.0, nil}},
		{Ingested: at(-20), Cells: []any{at(-22), "gamma é", int64(9007199254740993), true, `"text"`, -1.0, guid}},
		{Ingested: at(+5), Cells: []any{at(-1), "not yet there", 1, true, nil, 0.0, nil}},
		{Ingested: at(-60 * 24 * 31), Cells: []any{at(-60 * 24 * 31), "out of retention", 1, true, nil, 0.0, nil}},
	}
	if err := tn.Add("Small", cols, rows...); err != nil {
		t.Fatal(err)
	}
	other := []schema.Column{{Name: "Name", Type: "String"}, {Name: "Size", Type: "String"}}
	if err := tn.Add("Other", other, tenant.Row{Ingested: at(-5), Cells: []any{"delta", "12"}}); err != nil {
		t.Fatal(err)
	}
	return tn
}

// queries are answered by the rows of small.
var queries = []struct{ query, want string }{
	{`Small | count`, `[{"Count":4}]`},
	{"// a comment | count\nSmall // here too\n| take 0", `[]`},
	{`Small | where Name == "alpha.exe" | project Name, Size`, `[{"Name":"alpha.exe","Size":10}]`},
	{`Small | where Name =~ 'ALPHA.EXE' | project Size`, `[{"Size":10}]`},
	{`Small | where Name contains "QUOTED" | project Name`, `[{"Name":"Beta \"quoted\""}]`},
	{`Small | where Name startswith "ALPHA" | project Size`, `[{"Size":10}]`},
	{`Small | where Name has "alpha" and Name !has "alp" | project Size`, `[{"Size":10}]`},
	{`Small | where Name in ("x", "alpha.exe") or Size in (20) | summarize n=count()`, `[{"n":2}]`},
	{`Small | where Name !in ("alpha.exe") | count`, `[{"Count":3}]`},
	{`Small | where isnull(Size) | project Name, Size, Flag, Bag`, `[{"Name":"","Size":null,"Flag":null,"Bag":null}]`},
	{`Small | where isempty(Name) | count`, `[{"Count":1}]`},
	{`Small | where isnotempty(Name) and isnotnull(Score) | count`, `[{"Count":2}]`},
	{`Small | where not(Flag) | project Size`, `[{"Size":20}]`},
	{`Small | where Size > 9007199254740992 | project Size`, `[{"Size":9007199254740993}]`},
	{`Small | where Size between (10 .. 20) | count`, `[{"Count":2}]`},
	{`Small | where Size !between (10 .. 20) | count`, `[{"Count":1}]`},
	{`Small | where Size != 10 | count`, `[{"Count":3}]`},
	{`Small | where Timestamp < datetime(2026-08-20T11:15:00Z) | project Timestamp`, `[{"Timestamp":"2026-08-20T11:00:00Z"}]`},
	{`Small | where Timestamp > ago(30m) | project Name`, `[{"Name":"gamma é"}]`},
	{
		`Small | where ingestion_time() >= datetime(2026-08-20 11:40) and ingestion_time() < now() | project ingestion_time()`,
		`[{"$IngestionTime":"2026-08-20T11:40:00Z"}]`,
	},
	{`let from = ago(1h); let n = 1 + 1; Small | where Timestamp >= from | top n by Timestamp asc | project Size`, `[{"Size":10},{"Size":20}]`},
	{`let T = Small | where Flag; T | count`, `[{"Count":2}]`},
	{`Small | order by Size asc | project Size`, `[{"Size":null},{"Size":10},{"Size":20},{"Size":9007199254740993}]`},
	{`Small | sort by Size | project Size`, `[{"Size":9007199254740993},{"Size":20},{"Size":10},{"Size":null}]`},
	{
		`Small | summarize Count=count(), First=min(Timestamp), Last=max(Timestamp)`,
		`[{"Count":4,"First":"2026-08-20T11:00:00Z","Last":"2026-08-20T11:38:00Z"}]`,
	},
	{
		`Small | summarize count() by bin(Timestamp, 30m) | order by Timestamp asc`,
		`[{"Timestamp":"2026-08-20T11:00:00Z","count_":3},{"Timestamp":"2026-08-20T11:30:00Z","count_":1}]`,
	},
	{`Small | where Name == "nothing" | summarize count()`, `[{"count_":0}]`},
	{`Small | where Name == "nothing" | summarize count() by Name`, `[]`},
	{
		`Small | summarize sum(Size), avg(Score), dcount(Flag), countif(Flag) | project avg_Score, dcount_Flag, countif_Flag`,
		`[{"avg_Score":0.8333333333333334,"dcount_Flag":2,"countif_Flag":2}]`,
	},
	{`Small | distinct Flag | where isnotnull(Flag) | order by Flag asc`, `[{"Flag":0},{"Flag":1}]`},
	{
		`Small | where Bag.k.v == "x" | extend N = tolong(Bag.n), V = tostring(Bag["k"]) | project N, V, Bag`,
		`[{"N":7,"V":"{\"v\":\"x\"}","Bag":{"k":{"v":"x"},"n":7}}]`,
	},
	{`Small | where Size == 10 | project-away Timestamp, Ba*, Score, Id | extend Size = Size * 2 - 1`, `[{"Name":"alpha.exe","Size":19,"Flag":1}]`},
	{`Small | where Size == 10 | project-rename Bytes = Size | project-keep Bytes`, `[{"Bytes":10}]`},
	{
		`Small | where Size == 10 | project Age = now() - Timestamp, T = 1tick, D = 1.5d`,
		`[{"Age":"01:00:00","T":"00:00:00.0000001","D":"1.12:00:00"}]`,
	},
	{`print strcat("a", 'b', @"\c"), x = 5 / 2, y = 5 / 2.0, z = h"s"`, `[{"print_0":"ab\\c","x":2,"y":2.5,"z":"s"}]`},
	{`print hash_xxhash64("abc"), hash_xxhash64("World", 100)`, `[{"print_0":4952883123889572249,"print_1":51}]`},
	{`print tolong(hash_xxhash64("Nobody inspects the spammish repetition"))`, `[{"print_0":-302119147016844303}]`},
	{
		`Small | getschema | where ColumnName in ("Flag", "Bag") | project ColumnOrdinal, DataType, ColumnType`,
		`[{"ColumnOrdinal":3,"DataType":"System.SByte","ColumnType":"bool"},{"ColumnOrdinal":4,"DataType":"System.Object","ColumnType":"dynamic"}]`,
	},
	{
		`union (Small | summarize N=count() | extend T="Small"), (Other | summarize N=count() | extend T="Other") | order by T asc`,
		`[{"N":1,"T":"Other"},{"N":4,"T":"Small"}]`,
	},
	{
		`Small | where Size == 10 | union Other | project Name, Size_long, Size_string | order by Name asc`,
		`[{"Name":"alpha.exe","Size_long":10,"Size_string":""},{"Name":"delta","Size_long":null,"Size_string":"12"}]`,
	},
	{`union withsource=Src Small, Other | summarize n=count() by Src | order by Src asc`, `[{"Src":"Other","n":1},{"Src":"Small","n":4}]`},
	{
		`Small | where Size == 20 | project P = tostring(pack_all())`,
		`[{"P":"{\"Timestamp\":\"2026-08-20T11:15:00.0000000Z\",\"Name\":\"Beta \\\"quoted\\\"\",\"Size\":20,\"Flag\":false,\"Bag\":[\"a\",\"b\"],\"Score\":null,\"Id\":null}"}]`,
	},
	{`Small | where Id == "AAAAAAAA-0000-0000-0000-000000000001" and Size < 20 | project Id`, `[{"Id":"aaaaaaaa-0000-0000-0000-000000000001"}]`},
	{`Small | take 2 | count`, `[{"Count":2}]`},
	{`let x = dynamic(["alpha.exe", "gamma é"]); Small | where Name in (x) | project Size`, `[{"Size":10},{"Size":9007199254740993}]`},
	{`let x = dynamic(["alpha.exe", "gamma é"]); Small | where Name !in (x) | project Size`, `[{"Size":20},{"Size":null}]`},
	{`let x = dynamic(["ALPHA.exe"]); Small | where Name in~ (x) | project Size`, `[{"Size":10}]`},
	{`let x = dynamic(["ALPHA.exe"]); Small | where Name !in~ (x) | count`, `[{"Count":3}]`},
	{`let x = dynamic(["nothing", "ALPHA"]); Small | where Name has_any (x) | project Size`, `[{"Size":10}]`},
	{`let x = dynamic(["exe", "ALPHA"]); Small | where Name has_all (x) | project Size`, `[{"Size":10}]`},
	{`let x = dynamic(["nothing", "ALPHA"]); Small | where Name has_all (x) | count`, `[{"Count":0}]`},
	{`Small | where Size in (dynamic([10, [20, [9007199254740993]]])) | count`, `[{"Count":3}]`},
	{`Small | where Size in (10, dynamic([20])) | count`, `[{"Count":2}]`},
	{`Small | where Name in (dynamic("alpha.exe")) | count`, `[{"Count":1}]`},
	{`Small | where Name in (dynamic([])) | count`, `[{"Count":0}]`},
	{`Small | where Name !in (dynamic([])) | count`, `[{"Count":4}]`},
	{`Small | where Name has_any (dynamic([null])) | count`, `[{"Count":0}]`},
	{`Small | where "b" in (Bag) | project Size`, `[{"Size":20}]`},
	{`Small | where "b" !in (Bag) | count`, `[{"Count":3}]`},
	{`Small | where Bag.k.v in (dynamic(["x"])) | project Size`, `[{"Size":10}]`},
	{`Small | where Id in (dynamic(["AAAAAAAA-0000-0000-0000-000000000001"])) | count`, `[{"Count":2}]`},
	{`Small | where Timestamp in (dynamic(["2026-08-20T11:00:00Z"])) | project Size`, `[{"Size":10}]`},
}

func TestQueries(t *testing.T) {
	c := serve(t, small(t, tenant.Options{CallsPerMinute: -1}))
	for _, tc := range queries {
		got := c.rows(tc.query)
		var want []map[string]any
		dec := json.NewDecoder(strings.NewReader(tc.want))
		dec.UseNumber()
		if err := dec.Decode(&want); err != nil {
			t.Fatal(tc.query, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\n%s", tc.query, diff)
		}
	}
}

func TestRefusedQueries(t *testing.T) {
	c := serve(t, small(t, tenant.Options{CallsPerMinute: -1}))
	for _, tc := range []struct{ query, want string }{
		{`Smal`, `Failed to resolve table or column expression named 'Smal'. Fix semantic errors in your query.`},
		{`small`, `named 'small'`},
		{`Small | where Nme == 1`, `Failed to resolve table or column expression named 'Nme'`},
		{`Small | where frob(Name)`, `Unknown function: 'frob'. Fix semantic errors in your query.`},
		{`Small | where Timestamp > "2026-01-01"`, `Cannot compare values of types datetime and string`},
		{`Small | where Size`, `a bool is expected`},
		{`Small | where`, `Fix syntax errors in your query.`},
		{`Small | frobnicate`, `Fix syntax errors in your query.`},
		{`Small | evaluate bag_unpack(Bag)`, `Fix syntax errors in your query.`},
		{`Small | join Other on Size`, `are long and string. Fix semantic errors in your query.`},
		{`Small | join kind=sideways Other on Name`, `'sideways' is not a kind`},
		{`Small | union kind=sideways Other`, `'sideways' is not a kind`},
		{`union Small, Nowhere | count`, `named 'Nowhere'`},
		{`Small | extend n = row_number()`, `must be serialized`},
		{`Small | mv-expand Name`, `must have the type dynamic`},
		{`let f = (x: string) { toscalar(Small | where Name == x | count) }; Small | extend n = f(Name)`, `Failed to resolve`},
		{`Small | where Name in (Nowhere)`, `named 'Nowhere'`},
		{`set query_take_max_records = 1; Small`, `Fix syntax errors in your query.`},
		{"Small\n| where Name == \"abc", `at line 2, column 17. Fix syntax errors in your query.`},
		{`Small | where Timestamp > datetime(2026-13-01)`, `Fix syntax errors in your query.`},
		{`Small | take`, `Fix syntax errors in your query.`},
		{`Small Other`, `expected the end of the query`},
		{strings.Repeat("(", 300) + "Small", `nested too deeply`},
		{`Small | summarize foo(Size)`, `Unknown function: 'foo'`},
		{`Small | take Size`, `Failed to resolve`},
		{`Small | where Name !has_any ("a")`, `Fix syntax errors in your query.`},
		{`Small | where Bag`, `a bool is expected`},
		{`Small | extend X = iff(Flag, 1, "x")`, `it does not take arguments of type bool, long, string`},
		{`Small | extend X = iff(Size, 1, 2)`, `it does not take arguments of type long, long, long`},
		{`Small | extend X = coalesce(Name, Size)`, `it does not take arguments of type string, long`},
		{`Small | extend X = max_of(Name, Size)`, `it does not take arguments of type string, long`},
		{`Small | extend X = strlen(Size)`, `it does not take arguments of type long`},
		{`Small | extend X = bin(Name, 2)`, `it does not take arguments of type string, long`},
		{`Small | extend X = bin(Timestamp, 2)`, `it does not take arguments of type datetime, long`},
		{`Small | extend X = array_length(Name)`, `it does not take arguments of type string`},
		{`Small | extend X = not(Size)`, `it does not take arguments of type long`},
		{`Small | extend X = -Name`, `it does not take arguments of type string`},
		{`Small | project-away Nope`, `named 'Nope'`},
		{`Small | project-keep Name, Nope`, `named 'Nope'`},
		{`Small | project-rename Size = Name`, `'Size' is already declared`},
		{`Small | sort by Bag`, `is of a 'dynamic' type`},
		{`Small | partition by Bag (take 1)`, `is of a 'dynamic' type`},
		{`Small | union kind=inner Other`, `'Size' has several types`},
		{`Small | join kind=inner Other on $right.Name == $left.Name`, `a column of both sides is expected`},
		{`let f = (T: (*)) { T | where Size == 1 }; f(Small)`, `named 'Size'`},
		{`let f = (T: (Name: string)) { T | project Name, Size }; f(Small)`, `named 'Size'`},
		{`let f = (T: (Name: long)) { T }; f(Small)`, `does not have the column 'Name' of type long`},
		{`Small | mv-apply X = Bag on (extend Size = 5)`, `'Size' is another`},
		{`Small | make-series count() on Timestamp step 1h`, `expected 'from'`},
		{`Small | make-series count() on Name from "a" to "b" step 1`, `an axis of type long, datetime or timespan is expected`},
		{`Small | make-series count() on Timestamp from ago(1d) to now() step 1tick`, `at most 1048576 steps`},
		{`Small | make-series max(Timestamp) on Timestamp from ago(1d) to now() step 1h`, `max() does not answer one number`},
		{`Small | make-series count() default = 1.5 on Timestamp from ago(1d) to now() step 1h`, `a default of type long`},
		{`Small | make-series kind=nonempty count() on Timestamp from ago(1d) to now() step 1h`, `Fix syntax errors`},
		{`Small | summarize Size by Name`, `named 'Size'`},
		{`Small | summarize arg_max(Bag, *)`, `arg_max(): it does not take dynamic`},
		{`Small | summarize max(Bag)`, `max(): it does not take dynamic`},
		{`Small | summarize sum(Name)`, `sum(): it does not take string`},
		{`Small | summarize countif(Size)`, `a bool is expected`},
		{`Small | summarize tolong(arg_max(Size, Name))`, `more than one value`},
		{`Small | summarize (A, B) = count()`, `no column for 'B'`},
		{`Small | summarize percentile(Size, 50)`, `Unknown function: 'percentile'`},
		{`Small | summarize count() by Bag`, `grouping by a 'dynamic' type is not supported`},
		{`Small | distinct *`, `grouping by a 'dynamic' type is not supported`},
		{`Small | summarize X = count(), X = sum(Size)`, `'X' is already declared`},
		{`Small | summarize Name = count() by Name`, `'Name' is already declared`},
		{`Small | project Name, Name`, `'Name' is already declared`},
		{`Small | extend Size = 1, Size = 2`, `'Size' is already declared`},
		{`Small | extend x = strlen(x = Name)`, `Fix semantic errors in your query.`},
		{`print x = datetime_add("fortnight", 1, now())`, `must be one of the values: year`},
		{`print x = datetime_add("day", 1.5, now())`, `does not take real and datetime`},
		{`print x = abs("a")`, `abs(): it does not take arguments of type string`},
		{`let f = (a: long) { a }; print f(b = 1)`, `the argument name 'b' does not refer`},
		{`let f = (a: long) { a }; print f(a = 1, a = 2)`, `2 arguments`},
		{`let f = (a: long, b: long = 1) { a }; print f(a = 1, 2)`, `an argument without a name`},
		{`let f = (a: long, b: long) { a }; print f(b = 1)`, `the argument 'a' is missing`},
	} {
		for _, path := range []string{graph, m365d} {
			status, body := c.query(path, tc.query)
			var e struct {
				Error struct{ Code, Message string }
			}
			if err := json.Unmarshal([]byte(body), &e); err != nil {
				t.Fatal(err)
			}
			if status != 400 || e.Error.Code != "BadRequest" || !strings.Contains(e.Error.Message, tc.want) {
				t.Errorf("%s\n%d %s, want a 400 with %q", tc.query, status, body, tc.want)
			}
		}
	}
}

// Hash slices of a table are disjoint and complete together, by identity columns
// and by the whole row.
func TestHashSlicesAreComplete(t *testing.T) {
	tn := tenant.New(tenant.Options{Now: fixed, CallsPerMinute: -1})
	for _, table := range []string{"DeviceEvents", "ExposureGraphNodes"} {
		err := tn.Seed(tenant.Seed{
			Tables: []string{table}, Rows: 900, From: noon.Add(-9 * time.Hour), To: noon.Add(-3 * time.Hour),
			Lag: func(int) time.Duration { return time.Minute },
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	c := serve(t, tn)
	for table, key := range map[string]string{
		"DeviceEvents":       "strcat(tostring(Timestamp), DeviceId, tostring(ReportId))",
		"ExposureGraphNodes": "tostring(pack_all())",
	} {
		total, least := 0, 900
		for i := range 6 {
			n := len(c.rows(fmt.Sprintf("%s | where hash_xxhash64(%s, 6) == %d", table, key, i)))
			total, least = total+n, min(least, n)
		}
		if total != 900 || least < 90 {
			t.Errorf("%s: slices have %d rows together, the smallest %d; want 900 and about 150", table, total, least)
		}
	}
}
