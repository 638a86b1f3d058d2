package tenant_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hunting-exporter/schema"
	"hunting-exporter/tenant"
)

// typed is a table with one row of a value of every type and one of nulls.
func typed(t *testing.T) *tenant.Tenant {
	t.Helper()
	tn := tenant.New(tenant.Options{Now: fixed, CallsPerMinute: -1})
	cols := []schema.Column{
		{Name: "T", Type: "DateTime"},
		{Name: "S", Type: "String"},
		{Name: "B", Type: "SByte"},
		{Name: "I", Type: "Int32"},
		{Name: "L", Type: "Int64"},
		{Name: "R", Type: "Double"},
		{Name: "G", Type: "Guid"},
		{Name: "P", Type: "TimeSpan"},
		{Name: "D", Type: "SqlDecimal"},
		{Name: "O", Type: "Object"},
		{Name: "A", Type: "Object"},
		{Name: "N", Type: "Object"},
	}
	full := []any{
		noon.Add(-1234500 * time.Nanosecond), "a\"b\\\u0001é\n", true, -3, int64(math.MaxInt64), 5.0, "00000000-0000-0000-0000-00000000000a", "-1.02:03:04.5", "1.50",
		`{"n": 1, "d": 1.5, "b": true, "o": {"x": {}}, "l": [1, 2], "e": []}`, `[{"k": "v", "l": [1]}, "s"]`, `[1.5,2]`,
	}
	empty := make([]any, len(cols))
	nan := append(append([]any{}, empty[:5]...), math.NaN())
	nan = append(nan, empty[6:]...)
	for i, cells := range [][]any{full, empty, nan} {
		if err := tn.Add("Typed", cols, tenant.Row{Ingested: noon.Add(time.Duration(i-9) * time.Minute), Cells: cells}); err != nil {
			t.Fatal(err)
		}
	}
	return tn
}

func TestEncodings(t *testing.T) {
	c := serve(t, typed(t))
	const head = `[{"X":"T","Y":"DateTime"},{"X":"S","Y":"String"},{"X":"B","Y":"SByte"},{"X":"I","Y":"Int32"},{"X":"L","Y":"Int64"},{"X":"R","Y":"Double"},` +
		`{"X":"G","Y":"Guid"},{"X":"P","Y":"TimeSpan"},{"X":"D","Y":"SqlDecimal"},{"X":"O","Y":"Object"},{"X":"A","Y":"Object"},{"X":"N","Y":"Object"}]`
	legacyRows := `[{"T":"2026-08-20T11:59:59.9987655Z","S":"a\"b\\\u0001é\n","B":1,"I":-3,"L":9223372036854775807,"R":5.0,` +
		`"G":"00000000-0000-0000-0000-00000000000a","P":"-1.02:03:04.5000000","D":"1.50",` +
		`"O":{"n":1,"d":1.5,"b":true,"o":{"x":{}},"l":[1,2],"e":[]},"A":[{"k":"v","l":[1]},"s"],"N":[1.5,2]},` +
		`{"T":null,"S":"","B":null,"I":null,"L":null,"R":null,"G":null,"P":null,"D":null,"O":null,"A":null,"N":null},` +
		`{"T":null,"S":"","B":null,"I":null,"L":null,"R":"NaN","G":null,"P":null,"D":null,"O":null,"A":null,"N":null}]`
	dyn := `"@odata.type":"#microsoft.graph.security.dynamicColumnValue"`
	graphRows := `[{"T":"2026-08-20T11:59:59.9987655Z","S":"a\"b\\\u0001é\n","B@odata.type":"#SByte","B":1,"I":-3,"L@odata.type":"#Int64","L":9223372036854775807,"R":5.0,` +
		`"G":"00000000-0000-0000-0000-00000000000a","P":"-1.02:03:04.5000000","D":"1.50",` +
		`"O":{` + dyn + `,"n@odata.type":"#Int64","n":1,"d":1.5,"b":true,"o":{` + dyn + `,"x":{` + dyn + `}},` +
		`"l@odata.type":"#Collection(Int64)","l":[1,2],"e@odata.type":"#Collection(String)","e":[]},` +
		`"A@odata.type":"#Collection(String)","A":["{\"k\":\"v\",\"l\":[1]}","s"],"N@odata.type":"#Collection(Double)","N":[1.5,2]},` +
		`{"T":{},"S":"","B":{},"I":{},"L":{},"R":{},"G":{},"P":{},"D":{},"O":{},"A":{},"N":{}},` +
		`{"T":{},"S":"","B":{},"I":{},"L":{},"R":"NaN","G":{},"P":{},"D":{},"O":{},"A":{},"N":{}}]`
	stats := regexp.MustCompile(`^\{"Stats":\{"ExecutionTime":[0-9.e-]+,.*"dataset_statistics":\[\{"table_row_count":3,"table_size":\d+\}\]\},`)
	for path, want := range map[string]string{
		m365d: `{"Schema":` + strings.NewReplacer("X", "Name", "Y", "Type").Replace(head) + `,"Results":` + legacyRows + `}`,
		mde:   `{"Schema":` + strings.NewReplacer("X", "Name", "Y", "Type").Replace(head) + `,"Results":` + legacyRows + `}`,
		graph: `{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#microsoft.graph.security.huntingQueryResults","schema":` +
			strings.NewReplacer("X", "name", "Y", "type").Replace(head) + `,"results":` + graphRows + `}`,
	} {
		_, got := c.query(path, "Typed | sort by ingestion_time() asc")
		if path != graph && !stats.MatchString(got) {
			t.Errorf("%s: Stats missing: %.300s", path, got)
		}
		if !json.Valid([]byte(got)) {
			t.Errorf("%s: no JSON", path)
		}
		if diff := cmp.Diff(want, stats.ReplaceAllString(got, "{")); diff != "" {
			t.Errorf("%s\n%s", path, diff)
		}
	}
}

func TestFractionDigits(t *testing.T) {
	tn := tenant.New(tenant.Options{Now: fixed})
	if err := tn.Seed(tenant.Seed{Tables: []string{"DeviceEvents"}, Rows: 2000, Seed: 3}); err != nil {
		t.Fatal(err)
	}
	seen := map[int]int{}
	for r := range tn.Rows("DeviceEvents").Rows {
		s := r.Event.Format("2006-01-02T15:04:05.9999999")
		_, fraction, _ := strings.Cut(s, ".")
		seen[len(fraction)]++
	}
	for digits := range 8 {
		if seen[digits] == 0 {
			t.Errorf("no time with %d fraction digits: %v", digits, seen)
		}
	}
}

func TestGzipOnlyWhereAccepted(t *testing.T) {
	c := serve(t, typed(t))
	for _, accept := range []string{"gzip", "identity"} {
		req, err := http.NewRequest(http.MethodPost, c.url+graph, strings.NewReader(`{"Query":"Typed"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Encoding", accept)
		req.Header.Set("Authorization", "Bearer "+c.authorized(graph))
		resp, err := c.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body := io.Reader(resp.Body)
		if resp.Header.Get("Content-Encoding") == "gzip" {
			if body, err = gzip.NewReader(resp.Body); err != nil {
				t.Fatal(err)
			}
		}
		b, err := io.ReadAll(body)
		if err != nil || !json.Valid(b) {
			t.Errorf("%s: %v, %.80s", accept, err, b)
		}
		if got := resp.Header.Get("Content-Encoding") == "gzip"; got != (accept == "gzip") {
			t.Errorf("Accept-Encoding %s: answered gzip %v", accept, got)
		}
	}
}

// What every seeded table serves is its truth, cell by cell.
func TestAnswersAreTheTruth(t *testing.T) {
	tn := tenant.New(tenant.Options{Now: fixed, CallsPerMinute: -1})
	err := tn.Seed(tenant.Seed{
		Rows: 60, From: noon.Add(-9 * time.Hour), To: noon.Add(-time.Hour), Seed: 11,
		Lag: func(row int) time.Duration { return time.Duration(row) * time.Second },
	})
	if err != nil {
		t.Fatal(err)
	}
	c := serve(t, tn)
	for _, table := range schema.Tables() {
		truth := tn.Rows(table.Name)
		rows := c.rows(table.Name + " | sort by ingestion_time() asc | extend Ingested = ingestion_time()")
		if truth.Len != 60 || len(rows) != 60 {
			t.Fatalf("%s: %d rows of %d", table.Name, len(rows), truth.Len)
		}
		byIngestion := map[string][]string{}
		for r := range truth.Rows {
			key := r.Ingested.Format("2006-01-02T15:04:05.9999999Z")
			byIngestion[key] = append(byIngestion[key], canonicalRow(truth.Columns, r))
		}
		for _, r := range rows {
			cells := make([]string, len(truth.Columns))
			for i, col := range truth.Columns {
				cells[i] = canonicalAnswer(t, col.Type, r[col.Name])
			}
			key := r["Ingested"].(string)
			got := strings.Join(cells, "\x01")
			i := indexOf(byIngestion[key], got)
			if i < 0 {
				t.Fatalf("%s: row %q is not among the truth %q", table.Name, got, byIngestion[key])
			}
			byIngestion[key][i] = "taken"
		}
	}
}

func indexOf(list []string, s string) int {
	for i := range list {
		if list[i] == s {
			return i
		}
	}
	return -1
}

func canonicalRow(cols []schema.Column, r tenant.TruthRow) string {
	cells := make([]string, len(cols))
	for i := range cols {
		cells[i] = r.Cells[i].Canonical(cols[i].Type)
	}
	return strings.Join(cells, "\x01")
}

func canonicalAnswer(t *testing.T, apiType string, v any) string {
	t.Helper()
	switch {
	case v == nil:
		return "\x00"
	case apiType == "DateTime":
		at, err := time.Parse("2006-01-02T15:04:05.9999999Z", v.(string))
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(schema.ToTicks(at))
	case apiType == "Double":
		f, _ := v.(json.Number).Float64()
		return tenant.Cell{Real: f}.Canonical("Double")
	case apiType == "Object": // keys of seeded bags are in order, as a map's are here
		var b strings.Builder
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			t.Fatal(err)
		}
		return strings.TrimSuffix(b.String(), "\n")
	default:
		return fmt.Sprint(v)
	}
}
