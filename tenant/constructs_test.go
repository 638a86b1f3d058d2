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
	{`let f = (T: (*), n: long) { T | where Size == n }; Small | invoke f(20) | project Size`, `[{"Size":20}]`},
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
