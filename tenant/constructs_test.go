package tenant_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hunting-exporter/tenant"
)

const xy = `let X = datatable(Key:string, V1:long)['a', 1, 'b', 2, 'b', 3, 'c', 4]; ` +
	`let Y = datatable(Key:string, V2:long)['b', 10, 'c', 20, 'c', 30, 'd', 40]; `

// fruit is the example of arg_max.
const fruit = `datatable(Fruit: string, Color: string, Version: int)["Apple", "Red", 1, "Apple", "Green", int(null), "Banana", "Yellow", int(null), ` +
	`"Banana", "Green", int(null), "Pear", "Brown", 1, "Pear", "Green", 2,] | `

// metrics is the example of make-series.
const metrics = `datatable(timestamp: datetime, metric: real)[datetime(2016-12-31T06:00), 50, datetime(2017-01-01), 4, datetime(2017-01-02), 3, ` +
	`datetime(2017-01-03), 4, datetime(2017-01-03T03:00), 6, datetime(2017-01-05), 8, datetime(2017-01-05T13:40), 13, datetime(2017-01-06), 4, ` +
	`datetime(2017-01-07), 3, datetime(2017-01-08), 8, datetime(2017-01-08T21:00), 8, datetime(2017-01-09), 2, datetime(2017-01-09T12:00), 11, ` +
	`datetime(2017-01-10T05:00), 5,] | `

// constructs are answered as Kusto's documentation has it, or by the rows of small.
var constructs = []struct{ query, want string }{
	{`let s = datetime(2026-08-20 12:00); let f = s - 45m; Small | where Timestamp between (f .. s) | count`, `[{"Count":3}]`},
	{`let T = (Small | where Flag); let U = materialize(T); U | count`, `[{"Count":2}]`},
	{`Small | where Size == 10 | as A | union A | count`, `[{"Count":2}]`},
	{xy + `X | join kind=inner Y on Key | count`, `[{"Count":4}]`},
	{xy + `X | join Y on Key | count`, `[{"Count":3}]`},
	{xy + `X | join kind=inner Y on Key | where V1 == 3`, `[{"Key":"b","V1":3,"Key1":"b","V2":10}]`},
	{xy + `X | join kind=leftouter hint.strategy=broadcast Y on Key | where V1 == 1`, `[{"Key":"a","V1":1,"Key1":"","V2":null}]`},
	{xy + `X | join kind=leftouter Y on $left.Key == $right.Key | count`, `[{"Count":5}]`},
	{xy + `X | join kind=rightouter Y on Key | where Key1 == "d"`, `[{"Key":"","V1":null,"Key1":"d","V2":40}]`},
	{xy + `X | join kind=fullouter Y on Key | count`, `[{"Count":6}]`},
	{xy + `X | join kind=leftsemi Y on Key | sort by V1 asc`, `[{"Key":"b","V1":2},{"Key":"b","V1":3},{"Key":"c","V1":4}]`},
	{xy + `X | join kind=rightsemi Y on Key | summarize sum(V2)`, `[{"sum_V2":60}]`},
	{xy + `X | join kind=leftanti Y on Key`, `[{"Key":"a","V1":1}]`},
	{xy + `X | join kind=anti Y on Key`, `[{"Key":"a","V1":1}]`},
	{xy + `X | join kind=rightanti Y on Key`, `[{"Key":"d","V2":40}]`},
	{xy + `X | lookup Y on Key | where V1 == 1`, `[{"Key":"a","V1":1,"V2":null}]`},
	{xy + `X | lookup kind=inner Y on Key | count`, `[{"Count":4}]`},
	{xy + `X | where Key in (Y) | count`, `[{"Count":3}]`},
	{xy + `X | where Key !in ((Y | project Key)) | count`, `[{"Count":1}]`},
	{xy + `X | where V1 == toscalar(Y | count)`, `[{"Key":"c","V1":4}]`},
	{xy + `let m = toscalar(X | summarize max(V1)); print n = m`, `[{"n":4}]`},
	{`let f = (x: long) { x * 2 }; Small | where Size == 10 | project D = f(Size)`, `[{"D":20}]`},
	{`let f = (n: long = 15) { Small | where Size <= n }; f() | project Size`, `[{"Size":10}]`},
	{`let f = (T: (Size: long), n: long) { T | where Size == n }; Small | invoke f(20) | project Size`, `[{"Size":20}]`},
	{`let f = (T: (Size: long)) { T | where Size == 20 }; union (f(Small)), (Other | take 0) | count`, `[{"Count":1}]`},
	{`let f = view () { Small }; f | count`, `[{"Count":4}]`},
	{`datatable(A:dynamic)[dynamic(["x","y"]), dynamic([]), dynamic(null)] | mv-expand with_itemindex=I A to typeof(string) | sort by I asc, A desc`, `[{"A":"x","I":0},{"A":"","I":0},{"A":"y","I":1}]`},
	{`datatable(A:dynamic, B:long)[dynamic([1,2,3]), 7] | mv-apply A to typeof(long) on (summarize S = sum(A))`, `[{"B":7,"S":6}]`},
	{`datatable(K:string, V:long)['a', 1, 'a', 2, 'b', 3] | partition by K (top 1 by V) | sort by K asc`, `[{"K":"a","V":2},{"K":"b","V":3}]`},
	{`print x = "id=12, name=bob" | parse x with "id=" I:long ", name=" N | project I, N`, `[{"I":12,"N":"bob"}]`},
	{`print x = "nothing" | parse x with "id=" I:long ", name=" N | project I, N`, `[{"I":null,"N":""}]`},
	{`print x = "nothing" | parse-where x with "id=" I:long`, `[]`},
	{`range x from 1 to 5 step 2 | extend n = row_number(), p = prev(x), c = row_cumsum(x)`, `[{"x":1,"n":1,"p":null,"c":1},{"x":3,"n":2,"p":1,"c":4},{"x":5,"n":3,"p":3,"c":9}]`},
	{`Small | where Size == 10 | union kind=inner (Other | project Name) | sort by Name asc`, `[{"Name":"alpha.exe"},{"Name":"delta"}]`},
	{`union isfuzzy=true Small, Nowhere | count`, `[{"Count":4}]`},
	{`union Oth*, (Small | where Size == 10) | count`, `[{"Count":2}]`},
	{`Small | count as N | render timechart`, `[{"N":4}]`},
	{`print x = dynamic([1,2,3])[-1]`, `[{"x":3}]`},
	{fruit + `summarize arg_max(Version, *) by Fruit | sort by Fruit asc`, `[{"Fruit":"Apple","Version":1,"Color":"Red"},{"Fruit":"Banana","Version":null,"Color":"Yellow"},{"Fruit":"Pear","Version":2,"Color":"Green"}]`},
	{fruit + `summarize arg_min(Version, Color) by Fruit | where Fruit == "Pear"`, `[{"Fruit":"Pear","Version":1,"Color":"Brown"}]`},
	{fruit + `summarize arg_max(Version, *), arg_min(Version, *) by Fruit | where Fruit == "Pear"`, `[{"Fruit":"Pear","Version":2,"Color":"Green","Version1":1,"Color1":"Brown"}]`},
	{fruit + `summarize (V, C) = arg_max(Version, Color)`, `[{"V":2,"C":"Green"}]`},
	{fruit + `summarize arg_max(Version, C = Color, Version + 1)`, `[{"Version":2,"C":"Green","max_Version_arg2":3}]`},
	{fruit + `where Fruit == "none" | summarize arg_max(Version, *)`, `[{"Version":null,"Fruit":"","Color":""}]`},
	{fruit + `summarize arg_max(Version, *) by Kind = Fruit | where Kind == "Apple"`, `[{"Kind":"Apple","Version":1,"Color":"Red"}]`},
	{fruit + `summarize arg_max(Version, *) by tostring(Version), Fruit | where Version == "2"`, `[{"Version":"2","Fruit":"Pear","Version1":2,"Color":"Green"}]`},
	{fruit + `where isnotnull(Version) | summarize take_any(*) by Fruit | sort by Fruit asc | take 1`, `[{"Fruit":"Apple","Color":"Red","Version":1}]`},
	{fruit + `summarize take_any(Version), any(Version) by Fruit | where Fruit == "Apple"`, `[{"Fruit":"Apple","Version":1,"any_Version":1}]`},
	{`Small | summarize take_anyif(Name, Size == 20), take_any(Size + 0) by Flag | where Flag == false`, `[{"Flag":0,"Name":"Beta \"quoted\"","any_arg0":20}]`},
	{`Small | where Size == 10 | extend Before = datetime_add('hour', -1, Timestamp), A = abs(-3), B = abs(-1.5), C = abs(-1h) | project Before, A, B, C`, `[{"Before":"2026-08-20T10:00:00Z","A":3,"B":1.5,"C":"01:00:00"}]`},
	{`let t = datetime(2017-01-01); print y = datetime_add('year', 1, t), q = datetime_add("Quarter", 12, t), m = datetime_add('month', -15, t), w = datetime_add('week', 100, t), d = datetime_add('day', 1, t), s = datetime_add('second', 1, t)`, `[{"y":"2018-01-01T00:00:00Z","q":"2020-01-01T00:00:00Z","m":"2015-10-01T00:00:00Z","w":"2018-12-02T00:00:00Z","d":"2017-01-02T00:00:00Z","s":"2017-01-01T00:00:01Z"}]`},
	{`print m = datetime_add('month', 1, datetime(2024-01-31T01:02:03.4)), n = datetime_add('year', 9999, now()), o = datetime_add('day', long(null), now())`, `[{"m":"2024-02-29T01:02:03.4Z","n":null,"o":null}]`},
	{`print y = datetime_diff('year', datetime(2017-01-01), datetime(2000-12-31)), q = datetime_diff('quarter', datetime(2017-07-01), datetime(2017-03-30)), m = datetime_diff('month', datetime(2017-01-01), datetime(2015-12-30)), w = datetime_diff('week', datetime(2017-10-29 00:00), datetime(2017-09-30 23:59)), d = datetime_diff('day', datetime(2017-10-29 00:00), datetime(2017-09-30 23:59))`, `[{"y":17,"q":2,"m":13,"w":5,"d":29}]`},
	{`print h = datetime_diff('hour', datetime(2017-10-31 01:00), datetime(2017-10-30 23:59)), m = datetime_diff('minute', datetime(2017-10-30 23:05:01), datetime(2017-10-30 23:00:59)), s = datetime_diff('second', datetime(2017-10-30 23:00:10.100), datetime(2017-10-30 23:00:00.900)), i = datetime_diff('millisecond', datetime(2017-10-30 23:00:00.200100), datetime(2017-10-30 23:00:00.100900)), u = datetime_diff('microsecond', datetime(2017-10-30 23:00:00.1009001), datetime(2017-10-30 23:00:00.1008009)), n = datetime_diff('day', datetime(2017-01-01), datetime(2017-01-02))`, `[{"h":2,"m":5,"s":10,"i":100,"u":100,"n":-1}]`},
	{`datatable(x: long)[] | summarize a = take_any(x), b = arg_max(x, *), c = avg(x), d = max(x), e = min(x), f = sum(x), g = sumif(x, x > 0), h = count(), i = countif(x > 0), j = dcount(x), k = dcountif(x, x > 0), l = make_set(x), m = make_list(x), n = count_distinct(x)`, `[{"a":null,"b":null,"c":"NaN","d":null,"e":null,"f":0,"g":0,"h":0,"i":0,"j":0,"k":0,"l":[],"m":[],"n":0}]`},
	{`range x from 1 to 4 step 1 | extend y = iff(x == 1, real(null), real(5)) | summarize sum(y), avg(y), make_set(y), make_list(y), dcount(y), count()`, `[{"sum_y":15.0,"avg_y":5.0,"set_y":[5.0],"list_y":[5.0,5.0,5.0],"dcount_y":1,"count_":4}]`},
	{`datatable(Val: int, Arr1: dynamic)[1, dynamic(['A1', 'A2', 'A3']), 5, dynamic(['A2', 'C1']), 7, dynamic(['C2', 'A3']), 5, dynamic(['C2', 'A1'])] | summarize Val_set = make_set(Val), Arr1_set = make_set(Arr1), First = make_list(Arr1, 1), n = make_set_if(Val, Val > 5)`, `[{"Val_set":[1,5,7],"Arr1_set":["A1","A2","A3","C1","C2"],"First":[["A1","A2","A3"]],"n":[7]}]`},
	{`Small | where Size in (10, 20) | sort by Size asc | summarize T = make_list(Timestamp), F = make_list(Flag), N = make_list(Name)`, `[{"T":["2026-08-20T11:00:00.0000000Z","2026-08-20T11:15:00.0000000Z"],"F":[true,false],"N":["alpha.exe","Beta \"quoted\""]}]`},
	{`range x from 1 to 6 step 1 | summarize a = sumif(x, x > 4), b = avgif(x, x > 4), c = minif(x, x > 2), d = maxif(x, x < 3), e = dcountif(x % 2, x > 1), f = countif(x > 2) by g = x > 3 | sort by g asc`, `[{"g":0,"a":0,"b":"NaN","c":3,"d":2,"e":2,"f":1},{"g":1,"a":11,"b":5.5,"c":4,"d":null,"e":2,"f":3}]`},
	{`range x from 1 to 4 step 1 | summarize n = count() * 2, max(x) - min(x), array_length(make_set(x % 2)), m = iff(count() > 3, max(x), min(x)), s = strcat(tostring(count()), "!")`, `[{"n":8,"Column1":3,"Column2":2,"m":4,"s":"4!"}]`},
	{`print x = dynamic(['it\'s', {"k": datetime(2020-01-01), 'n': -1.50}, null, true, 1h])`, `[{"x":["it's",{"k":"2020-01-01T00:00:00.0000000Z","n":-1.50},null,true,"01:00:00"]}]`},
	{`let l = dynamic(['a', "c"]); let n = dynamic([1, 4]); ` + xy[:strings.Index(xy, "let Y")] + `X | where Key in (l) and V1 in (n) | summarize make_list(V1)`, `[{"list_V1":[1,4]}]`},
	{xy + `X | join kind=leftantisemi Y on Key`, `[{"Key":"a","V1":1}]`},
	{xy + `X | join kind=rightantisemi Y on Key`, `[{"Key":"d","V2":40}]`},
	{metrics + `make-series avg(metric) on timestamp from datetime(2017-01-01) to datetime(2017-01-10) step 1d`, `[{"avg_metric":[4.0,3.0,5.0,0.0,10.5,4.0,3.0,8.0,6.5],"timestamp":["2017-01-01T00:00:00.0000000Z","2017-01-02T00:00:00.0000000Z","2017-01-03T00:00:00.0000000Z","2017-01-04T00:00:00.0000000Z","2017-01-05T00:00:00.0000000Z","2017-01-06T00:00:00.0000000Z","2017-01-07T00:00:00.0000000Z","2017-01-08T00:00:00.0000000Z","2017-01-09T00:00:00.0000000Z"]}]`},
	{metrics + `take 0 | make-series avg(metric) default = 1.0 on timestamp from datetime(2017-01-01) to datetime(2017-01-10) step 1d`, `[]`},
	{xy + `Y | make-series n = count(), sum(V2) default = long(null) on V2 from 0 to 35 step 10 by Key | sort by Key asc`, `[{"Key":"b","n":[0,1,0,0],"sum_V2":[null,10,null,null],"V2":[0,10,20,30]},{"Key":"c","n":[0,0,1,1],"sum_V2":[null,null,20,30],"V2":[0,10,20,30]}]`},
	{`print a = iff(true, 1, 2.5), b = iff(false, "x", dynamic({"k":1}).k), c = gettype(toint(1) + toint(1)), d = bin(7, 0.5), e = min_of(2, 1.5)`, `[{"a":1.0,"b":"1","c":"long","d":7.0,"e":1.5}]`},
	{`Small | where Size == 10 | project-reorder Si*, *, Name | project-keep Name, Size`, `[{"Name":"alpha.exe","Size":10}]`},
	{`let f = (a: long, b: long = 5) { a - b }; print x = f(a = 1), y = f(b = 2, a = 3), z = f(1, b = 2), w = f(9)`, `[{"x":-4,"y":1,"z":-1,"w":4}]`},
	{`let f = (T: (Size: long), n: long) { T | where Size == n | project Size }; f(n = 20, T = Small)`, `[{"Size":20}]`},
}

func TestConstructs(t *testing.T) {
	c := serve(t, small(t, tenant.Options{CallsPerMinute: -1}))
	for _, tc := range constructs {
		var want []map[string]any
		dec := json.NewDecoder(strings.NewReader(tc.want))
		dec.UseNumber()
		if err := dec.Decode(&want); err != nil {
			t.Fatal(tc.query, err)
		}
		status, body := c.query(m365d, tc.query)
		if status != 200 {
			t.Errorf("%s\n%d %s", tc.query, status, body)
			continue
		}
		if diff := cmp.Diff(want, c.rows(tc.query)); diff != "" {
			t.Errorf("%s\n%s", tc.query, diff)
		}
	}
}

// Columns have the names, types and order that Microsoft's own binder gives them.
func TestColumnsOfConstructs(t *testing.T) {
	tn := small(t, tenant.Options{})
	rest := "Flag SByte, Bag Object, Score Double, Id Guid"
	for query, want := range map[string]string{
		"summarize arg_max(Timestamp, *) by Name":                    "Name String, Timestamp DateTime, Size Int64, " + rest,
		"summarize arg_max(Timestamp, Name, Size) by Name":           "Name String, Timestamp DateTime, Name1 String, Size Int64",
		"summarize arg_max(Size + 1, Name, Size * 2)":                "max_ Int64, Name String, max__arg2 Int64",
		"summarize X = arg_max(Timestamp, *)":                        "X DateTime, Name String, Size Int64, " + rest,
		"summarize arg_max(bin(Timestamp, 1h), *) by Name":           "Name String, Timestamp DateTime, Timestamp1 DateTime, Size Int64, " + rest,
		"summarize count(), arg_min(Size, Timestamp, *) by X = Name": "X String, count_ Int64, Size Int64, Timestamp DateTime, " + rest,
		"summarize any(Size, Name), take_any(Name, *) by Size":       "Size Int64, any_Size Int64, any_Name String, Name String, Timestamp DateTime, " + rest,
		"summarize sum(Size), sum(Score), sum(Timestamp - Timestamp), avg(Size), min(Name), max(Flag), countif(Flag), sumif(Size, Flag), dcountif(Size, Flag)": "sum_Size Int64, sum_Score Double, sum_ TimeSpan, " +
			"avg_Size Double, min_Name String, max_Flag SByte, countif_Flag Int64, sumif_Size Int64, dcountif_Size Int64",
		"summarize make_list(Size), make_set(Size), make_list_if(Size, Flag), make_set(Name, 3), dcount(Name), count_distinct(Name)": "list_Size Object, set_Size Object, list_Size1 Object, set_Name Object, dcount_Name Int64, count_distinct_Name Int64",
		"summarize count() + 1, X = max(Timestamp) - min(Timestamp), tostring(make_set(Name)), count() * 2 by Size + 1":              "Column1 Int64, Column2 Int64, X TimeSpan, set_Name String, Column3 Int64",
		"project strcat(Name, 'x'), tostring(Size), Size, strlen(Name), strlen(strcat(Name)), Bag.k.v, Bag['a b'], now()":            "Column1 String, Size String, Size1 Int64, strlen_Name Int64, strlen_ Int64, Bag_k_v Object, Bag_a b Object, Column2 DateTime",
		"project Size | extend Column1 = 1 | extend Size + 1, abs(Size)":                                                             "Size Int64, Column1 Int64, Column2 Int64",
		"project Size | extend datetime_diff('day', now(), now()), column_ifexists('X', 1)":                                          "Size Int64, Column1 Int64, Column2 Int64",
		"make-series n = count(), avg(Score) on Timestamp from ago(1d) to now() step 6h by Name, S = Size":                           "Name String, S Int64, n Object, avg_Score Object, Timestamp Object",
		"project Name, Size | project-reorder S*":                                                                                    "Size Int64, Name String",
		"extend X = toint(Size) + toint(1), Y = -toint(Size), Z = iff(Flag, toint(1), Size) | project X, Y, Z":                       "X Int64, Y Int64, Z Int64",
		"project Name, Size | join kind=inner (Small | project Name, Name1 = Size) on Name":                                          "Name String, Size Int64, Name2 String, Name1 Int64",
	} {
		columns, _, err := tn.Query("Small | " + query)
		var got []string
		for _, c := range columns {
			got = append(got, c.Name+" "+c.Type)
		}
		if g := strings.Join(got, ", "); err != nil || g != want {
			t.Errorf("%s\n%s\nwant %s (%v)", query, g, want, err)
		}
	}
}
