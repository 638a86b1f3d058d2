package tenant_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hunting-exporter/schema"
	"hunting-exporter/tenant"
	"hunting-exporter/tenant/rows"
)

// cells tells a table's rows by column, in canonical form, nulls as "null".
func cells(tn *tenant.Tenant, table string) (map[string]string, []map[string]string) {
	truth := tn.Rows(table)
	types := map[string]string{}
	for _, c := range truth.Columns {
		types[c.Name] = c.Type
	}
	var rows []map[string]string
	for r := range truth.Rows {
		row := map[string]string{"ingested": r.Ingested.Format(time.RFC3339Nano)}
		for i, c := range truth.Columns {
			row[c.Name] = strings.ReplaceAll(r.Cells[i].Canonical(c.Type), "\x00", "null")
		}
		rows = append(rows, row)
	}
	return types, rows
}

func only(m map[string]string, names ...string) string {
	var out []string
	for _, n := range names {
		out = append(out, n+"="+m[n])
	}
	return strings.Join(out, " ")
}

// loads are the files of testdata and what becomes of them.
var loads = []struct {
	file, table string
	form        rows.Form
	types       []string
	rows        []string
}{
	{
		"stream", "DeviceFileEvents", rows.StreamForm,
		[]string{
			"ReportId=Int64", "FileSize=Int64", "IsInitiatingProcessRemoteSession=SByte", "InitiatingProcessId=String", "MachineGroup=String",
			"NewCount=Int64", "NewRatio=Double", "NewMix=String", "NewFlag=SByte", "NewBag=Object",
		},
		[]string{
			`SHA1= SHA256= FileSize=null IsInitiatingProcessRemoteSession=0 InitiatingProcessId=0 MachineGroup=UnassignedGroup AdditionalFields={"a": 1} ` +
				`NewCount=null NewMix= NewBag=null ReportId=7 ingested=2026-08-01T10:02:00.5Z`,
			`SHA1= SHA256= FileSize=12 IsInitiatingProcessRemoteSession=1 InitiatingProcessId=44 MachineGroup= AdditionalFields= ` +
				`NewCount=3 NewMix=0 NewBag={"b":[1,{"c":null}]} ReportId=9007199254740993 ingested=2026-08-01T10:02:01.1234567Z`,
			`SHA1= SHA256= FileSize=null IsInitiatingProcessRemoteSession=null InitiatingProcessId= MachineGroup= AdditionalFields= ` +
				`NewCount=null NewMix=false NewBag=null ReportId=null ingested=2026-08-01T10:02:02Z`,
		},
	},
	{
		"graph", "ExposureGraphNodes", rows.GraphForm,
		[]string{"NodeId=String", "EntityIds=Object", "Owned=SByte"},
		[]string{
			`NodeName= Categories=["identity"] EntityIds=[{"type":"AadObjectId","id":"x"},"plain {text}"] NodeProperties={"raw":{"n":0,"t":[{"deep":["{}"]}]}} Owned=1 ingested=2026-08-20T12:00:00Z`,
			`NodeName=é Categories=[] EntityIds=null NodeProperties=null Owned=null ingested=2026-08-20T12:00:00Z`,
		},
	},
	{
		"legacy", "CloudAppEvents", rows.LegacyForm,
		[]string{"IsAdminOperation=SByte", "RawEventData=Object"},
		[]string{`ApplicationId=20893 IsAdminOperation=0 IsAnonymousProxy=null City= ObjectId= ActivityObjects=[{"Type":"Task","Ids":["{\"not\":\"unwrapped\"}"]}] ` +
			`RawEventData=null Timestamp=17855911270000000 ingested=2026-08-01T13:34:07Z`},
	},
}

func TestLoadNDJSON(t *testing.T) {
	for _, tc := range loads {
		tn := tenant.New(tenant.Options{Now: fixed})
		f, err := os.Open("testdata/" + tc.file + ".ndjson")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := tn.LoadNDJSON(tc.table, f, rows.Load{Form: tc.form}); err != nil {
			t.Fatal(err)
		}
		types, rows := cells(tn, tc.table)
		for _, want := range tc.types {
			name, _, _ := strings.Cut(want, "=")
			if got := only(types, name); got != want {
				t.Errorf("%s: type %s, want %s", tc.file, got, want)
			}
		}
		var got []string
		for i, r := range rows {
			var names []string
			for _, part := range strings.Split(tc.rows[i], " ") {
				if name, _, ok := strings.Cut(part, "="); ok {
					names = append(names, name)
				}
			}
			got = append(got, only(r, names...))
		}
		if diff := cmp.Diff(tc.rows, got); diff != "" {
			t.Errorf("%s\n%s", tc.file, diff)
		}
	}
}

// A graph row that is loaded is served on Graph as it was recorded, and on the
// legacy API without companions.
func TestLoadedRowsAreServedAsRecorded(t *testing.T) {
	b, err := os.ReadFile("testdata/graph.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(b), "\n")
	tn := tenant.New(tenant.Options{Now: fixed})
	if err := tn.LoadNDJSON("ExposureGraphNodes", strings.NewReader(first), rows.Load{Form: rows.GraphForm}); err != nil {
		t.Fatal(err)
	}
	c := serve(t, tn)
	_, body := c.query(graph, "ExposureGraphNodes | project NodeId, NodeLabel, NodeName, Categories, EntityIds, NodeProperties, Owned")
	if !strings.Contains(body, `"results":[`+first+`]`) {
		t.Errorf("got %s\nwant %s", body, first)
	}
	_, body = c.query(m365d, "ExposureGraphNodes")
	if strings.Contains(body, "odata") || !strings.Contains(body, `"EntityIds":[{"type":"AadObjectId","id":"x"},"plain {text}"]`) {
		t.Errorf("legacy: %s", body)
	}
}

func TestLoadRefusesWhatIsNoObject(t *testing.T) {
	for _, in := range []string{"[1]", `{"a":1`, `{"a":1} x`, "null"} {
		tn := tenant.New(tenant.Options{Now: fixed})
		if err := tn.LoadNDJSON("DeviceEvents", strings.NewReader("\n"+in), rows.Load{}); err == nil || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%s: %v", in, err)
		}
	}
}

// Every public sample that lies beside the repository loads, and is served back
// by both forms of the API.
func TestPublicSamples(t *testing.T) {
	for dir, form := range map[string]rows.Form{"": rows.StreamForm, "graph": rows.GraphForm, "legacy": rows.LegacyForm} {
		files, err := filepath.Glob(filepath.Join("..", "..", "shared", "samples", dir, "*.ndjson"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			table := strings.TrimSuffix(filepath.Base(file), ".ndjson")
			tn := tenant.New(tenant.Options{Now: fixed, CallsPerMinute: -1})
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			err = tn.LoadNDJSON(table, f, rows.Load{Form: form, Ingested: noon.Add(-time.Hour)})
			f.Close()
			if err != nil {
				t.Fatal(err)
			}
			truth := tn.Rows(table)
			var want []string
			for r := range truth.Rows {
				want = append(want, canonicalRow(truth.Columns, r))
			}
			c := serve(t, tn)
			if status, body := c.query(graph, table); status != 200 || strings.Count(body, "\n") > 0 {
				t.Errorf("%s: %d %.200s", table, status, body)
			}
			for _, row := range c.rows(table) {
				got := make([]string, len(truth.Columns))
				for i, col := range truth.Columns {
					if schemaDynamic(col) {
						continue
					}
					got[i] = canonicalAnswer(t, col.Type, row[col.Name])
				}
				if !matches(want, got, truth.Columns) {
					t.Errorf("%s: the answer %q is none of the rows", table, got)
				}
			}
			if n := len(c.rows(table)); n != truth.Len || n == 0 {
				t.Errorf("%s: %d rows served of %d", table, n, truth.Len)
			}
		}
	}
}

func schemaDynamic(c schema.Column) bool { return schema.Dynamic(c.Type) }

// matches compares all but dynamic cells, whose keys a map does not keep in order.
func matches(want []string, got []string, cols []schema.Column) bool {
	for _, w := range want {
		same := true
		for i, cell := range strings.Split(w, "\x01") {
			same = same && (schemaDynamic(cols[i]) || cell == got[i])
		}
		if same {
			return true
		}
	}
	return false
}

func TestAddRefusesWhatDoesNotFit(t *testing.T) {
	tn := tenant.New(tenant.Options{Now: fixed})
	if err := tn.Add("X", tableOf("A"), tenant.Row{Ingested: noon, Cells: []any{"a"}}); err != nil {
		t.Fatal(err)
	}
	long := []schema.Column{{Name: "A", Type: "Int64"}}
	for name, err := range map[string]error{
		"count":    tn.Add("X", tableOf("A", "B"), tenant.Row{Cells: []any{"a"}}),
		"type":     tn.Add("X", tableOf("A"), tenant.Row{Cells: []any{1.5}}),
		"go type":  tn.Add("X", tableOf("A"), tenant.Row{Cells: []any{[]byte("a")}}),
		"retyped":  tn.Add("X", long, tenant.Row{Cells: []any{1}}),
		"number":   tn.Add("Y", long, tenant.Row{Cells: []any{"x"}}),
		"name":     tn.Add("X Y", tableOf("A")),
		"API type": tn.Add("Z", []schema.Column{{Name: "A", Type: "Blob"}}),
		"seed":     tn.Seed(tenant.Seed{Tables: []string{"Nope"}, Rows: 1}),
		"range":    tn.Seed(tenant.Seed{Rows: 1, From: noon, To: noon.Add(-1)}),
		"rows":     tn.Seed(tenant.Seed{Rows: -1}),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if got := fmt.Sprint(tn.Rows("X").Len, tn.Rows("Y").Len, tn.Rows("Z").Len); got != "1 0 0" {
		t.Errorf("rows after refused calls: %s", got)
	}
}
