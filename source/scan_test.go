package source

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const sample = `{"@odata.context":"https://x/$metadata","schema":[{"name":"A","type":"String"},{"name":"D","type":"Object"}],
"results":[
 {"A":"plain","A@odata.type":"#String","D":{"k":["{\"x\":1}",{"deep":[[],{}]}],"@odata.type":"#t"}},
 {"A":"quote \" back\\slash \\\\\" end }]","D":{}},
 {"A":"` + "a long string without any escape that goes past the first thirty-two bytes and then has one \\\" here" + `","D":null},
 {}
] } ` + "\r\n\t"

func TestScanCountsRows(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, tt := range []struct {
		name, body string
		rows       int
		err        error
	}{
		{"sample", sample, 4, nil},
		{"legacy", `{"Stats":{"ExecutionTime":0.5,"x":[{"a":1},{}]},"Schema":[],"Results":[{"a":1},{"a":2}]}`, 2, nil},
		{"no rows", `{"schema":[],"results":[]}`, 0, nil},
		{"results first", `{"results":[{"results":[1,2,3]}],"schema":[{},{}]}`, 1, nil},
		{"empty body", ``, 0, errCut},
		{"white space", " \n", 0, errCut},
		{"empty object", `{}`, 0, errShape},
		{"no results", `{"schema":[]}`, 0, errShape},
		{"results twice", `{"results":[],"results":[{}]}`, 0, errShape},
		{"results of two flavours", `{"Results":[],"results":[{}]}`, 0, errShape},
		{"results, escaped key", `{"result\u0073":[{}]}`, 0, errShape},
		{"schema twice is the transformer's", `{"schema":[],"schema":[],"results":[{}]}`, 1, nil},
		{"results an object", `{"results":{}}`, 0, errShape},
		{"results null", `{"results":null}`, 0, errShape},
		{"row no object", `{"results":[{},1]}`, 0, errShape},
		{"html", `<html>`, 0, errShape},
		{"array", `[]`, 0, errShape},
		{"more after", `{"results":[]}{`, 0, errShape},
		{"nul after", "{\"results\":[]}\x00", 0, errShape},
		{"brackets", `{"results":[{"a":[}]}]}`, 0, errShape},
		{"no comma", `{"results":[{}{}]}`, 0, errShape},
		{"trailing comma", `{"results":[{},]}`, 0, errShape},
		{"deep", `{"results":[{"a":` + deep(maxDepth-1) + `}]}`, 1, nil},
		{"too deep", `{"results":[{"a":` + deep(maxDepth) + `}]}`, 0, errShape},
	} {
		o, err := scan([]byte(tt.body))
		if !errors.Is(err, tt.err) || err == nil && o.rows != tt.rows {
			t.Errorf("%s: got %d rows, %v; want %d, %v", tt.name, o.rows, err, tt.rows, tt.err)
		}
	}
}

func TestScanSeesErrorsAndLinks(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]outline{
		`{"error":{"code":"x"}}`:                                      {failed: true},
		`{"results":[{}],"error":{"code":"x"}}`:                       {rows: 1, failed: true},
		`{"error":{"code":"x"},"results":null}`:                       {failed: true},
		`{"results":[{}],"error":null}`:                               {rows: 1},
		`{"results":[{"error":1}]}`:                                   {rows: 1},
		`{"@odata.nextLink":"https://x","results":[]}`:                {partial: true},
		`{"results":[{}],"@odata.nextLink":"https://x"}`:              {rows: 1, partial: true},
		`{"@odata.nextLink":null,"results":[]}`:                       {},
		`{"@odata.nextLink":"x","@odata.nextLink":null,"results":[]}`: {partial: true},
		`{"error":{},"error":null,"results":[]}`:                      {failed: true},
		`{"Stats":{"a":[1]},"Results":[{"Stats":2}]}`:                 {rows: 1, stats: []byte(`{"a":[1]}`)},
		`{"Results":[],"Schema":[],"Stats":null}`:                     {stats: []byte("null")},
		`{"Results":[],"Stats":{},"Stats":[]}`:                        {stats: []byte("[]")},
	} {
		got, err := scan([]byte(body))
		if d := cmp.Diff(want, got, cmp.AllowUnexported(outline{})); err != nil || d != "" {
			t.Errorf("%s: %v %s", body, err, d)
		}
	}
}

func TestScanRefusesEveryCut(t *testing.T) {
	t.Parallel()
	end := strings.LastIndexByte(sample, '}') + 1
	for i := range end {
		if _, err := scan([]byte(sample[:i])); !errors.Is(err, errCut) {
			t.Fatalf("cut at %d of %d: %v", i, end, err)
		}
	}
	if _, err := scan([]byte(sample[:end])); err != nil {
		t.Fatalf("whole: %v", err)
	}
}

// FuzzScan: what encoding/json takes for a result with n rows, scan does too, and a
// document that scan takes never becomes one by cutting it.
func FuzzScan(f *testing.F) {
	f.Add(sample)
	f.Add(`{"Results":[{"a":"\\"},{"b":"\u0022"}]}`)
	f.Add(`{"results":[{"a":1e5,"b":true,"c":[null]}],"error":null}`)
	f.Fuzz(func(t *testing.T, body string) {
		o, err := scan([]byte(body))
		var keys map[string]json.RawMessage
		if json.Unmarshal([]byte(body), &keys) != nil {
			return
		}
		if err != nil {
			if errors.Is(err, errCut) {
				t.Fatalf("valid JSON taken for cut: %q", body)
			}
			return
		}
		raw, ok := keys["results"]
		if !ok {
			raw, ok = keys["Results"]
		}
		if !ok {
			return
		}
		var rows []map[string]json.RawMessage
		if json.Unmarshal(raw, &rows) == nil && len(rows) != o.rows {
			t.Fatalf("%d rows, want %d: %q", o.rows, len(rows), body)
		}
	})
}

// large is an answer like those of DeviceProcessEvents.
func large(rows int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"schema":[{"name":"Timestamp","type":"DateTime"}],"results":[`)
	for i := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"Timestamp":"2026-01-02T03:04:05.%07dZ","DeviceId":"f0e1d2c3b4a5968778695a4b3c2d1e0ff0e1d2c3","DeviceName":"host-%d.contoso.test","ActionType":"ProcessCreated","FileName":"svchost.exe","FolderPath":"C:\\Windows\\System32\\svchost.exe","SHA256":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","FileSize":51696,"ProcessId":%d,"ProcessCommandLine":"svchost.exe -k netsvcs -p -s \"Schedule\"","AccountSid":"S-1-5-18","LogonId":999,"ReportId":%d,"AdditionalFields":{},"InitiatingProcessFileName":"services.exe","InitiatingProcessParentId":700}`, i, i%97, i, i)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func BenchmarkScan(b *testing.B) {
	body := large(20_000)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if o, err := scan(body); err != nil || o.rows != 20_000 {
			b.Fatal(o, err)
		}
	}
}

func TestStatisticsCountTheRows(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		stats string
		want  int
	}{
		{``, -1},
		{`{"ExecutionTime":0.09,"dataset_statistics":[{"table_row_count":2,"table_size":102}]}`, 2},
		{`{"dataset_statistics":[{"table_row_count":3}]}`, 3},
		{`{"dataset_statistics":[{"table_row_count":0}]}`, 0},
		{`{"dataset_statistics":[{"table_row_count":7},{"table_row_count":2}]}`, 2},
		{`{"dataset_statistics":[{"table_row_count":1},{"table_row_count":7},{}]}`, 7},
		{`{"dataset_statistics":[]}`, -1},
		{`{"dataset_statistics":[{"table_row_count":null},{"table_row_count":-5}]}`, -1},
		{`{"dataset_statistics":[{"table_row_count":"many"}]}`, -1},
		{`{"dataset_statistics":[{"table_row_count":1e99}]}`, -1},
		{`{"dataset_statistics":{"table_row_count":9}}`, -1},
		{`{"ExecutionTime":0.1}`, -1},
		{`null`, -1},
		{`[9]`, -1},
	} {
		o := outline{rows: 2}
		if tt.stats != "" {
			o.stats = []byte(tt.stats)
		}
		if got := o.counted(); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.stats, got, tt.want)
		}
	}
}
