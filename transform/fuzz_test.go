package transform_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
	"hunting-exporter/transform"
)

type failer interface {
	Helper()
	Fatalf(string, ...any)
}

// checkAgainstOracle holds whatever the body is: no panic; no batch of what is not JSON;
// rows in = rows out + rejects; every cell as the oracle says.
func checkAgainstOracle(t failer, body []byte) (accepted bool) {
	t.Helper()
	o, _ := newOracle(body)
	checkDecoding(t, body, o.columns)
	return checkDecoding(t, body, nil)
}

// checkDecoding checks it with dictionaries for all but the plain columns.
func checkDecoding(t failer, body []byte, plain []schema.Column) (accepted bool) {
	t.Helper()
	batch, err := apply(context.Background(), transform.Config{}, body, plain...)
	if err != nil {
		if !noAnswer(err) && !errors.Is(err, hunting.ErrLimit) || batch.Record != nil {
			t.Fatalf("%q: batch %v, error %v", body, batch, err)
		}
		return false
	}
	defer batch.Release()
	if !json.Valid(body) {
		t.Fatalf("%q is not JSON, but was accepted", body)
	}
	o, rows := newOracle(body)
	kept := int(batch.Record.NumRows())
	if kept+len(batch.Rejects) != len(rows) || len(batch.Hashes) != kept {
		t.Fatalf("%q: %d rows in, %d kept, %d rejected, %d hashes", body, len(rows), kept, len(batch.Rejects), len(batch.Hashes))
	}
	if !utf8.Valid(body) {
		return true // encoding/json repairs what rejects a row here
	}
	var want [][]string
	var rejected []string
	for _, r := range rows {
		if c, ok := o.row(r); ok {
			want = append(want, c)
		} else {
			rejected = append(rejected, string(r))
		}
	}
	var gotRejected []string
	for _, r := range batch.Rejects {
		gotRejected = append(gotRejected, string(r.Row))
	}
	got := cells(batch.Record)
	for i := range got { // the extra column is there only if some row needs it
		if len(got[i]) == len(o.columns) {
			got[i] = append(got[i], null)
		}
	}
	if diff := cmp.Diff(rejected, gotRejected); diff != "" {
		t.Fatalf("%s\nrejects (-want +got):\n%s", body, diff)
	}
	if len(got) > 0 && !cmp.Equal(want, got) {
		t.Fatalf("%s\n(-want +got):\n%s", body, cmp.Diff(want, got))
	}
	checkHashes(t, body, got, batch.Hashes)
	return true
}

// checkHashes: rows of one answer have the same hash exactly if they have the same cells.
func checkHashes(t failer, body []byte, rows [][]string, hashes [][16]byte) {
	t.Helper()
	byHash, byCells := map[[16]byte]string{}, map[string][16]byte{}
	for i, r := range rows {
		text := fmt.Sprintf("%q", r)
		if other, ok := byHash[hashes[i]]; ok && other != text {
			t.Fatalf("%s\nrows %s and %s have one hash", body, text, other)
		}
		if h, ok := byCells[text]; ok && h != hashes[i] {
			t.Fatalf("%s\nrow %s has two hashes", body, text)
		}
		byHash[hashes[i]], byCells[text] = text, hashes[i]
	}
}

func FuzzTransform(f *testing.F) {
	const cols = "T DateTime, S String, I Int32, L Int64, F Double, B SByte, G Guid, D Object"
	const row = `{"T":"2026-01-02T03:04:05.6Z","S":"a\n\u00e9","I":1,"L":"2","F":1.5,"B":1,"G":"g","D":{"a":["{\"b\":1}"]},"x":[1]}`
	f.Add([]byte(legacy(cols, row)))
	f.Add([]byte(graph(cols, row+`,{"I":{},"D":{},"I@odata.type":"#Int32"},{"I":1.5}`)))
	f.Add([]byte(`{"results":[{"A":1}],"schema":[{"name":"A","type":"Int64"}]}`))
	f.Add([]byte(legacy("A String, a String, A_2 Object", `{"A":"\ud83d\ude00","a":"\ud83d","A_2":"\u0000"}`)))
	f.Fuzz(func(t *testing.T, body []byte) { checkAgainstOracle(t, body) })
}

// A document of every shape that the API could write, and of some that it could not.
func TestEqualToTheOracle(t *testing.T) {
	types := []string{"DateTime", "String", "Int32", "Int64", "Double", "SByte", "Boolean", "Guid", "TimeSpan", "SqlDecimal", "Object", "Dynamic", "New"}
	rapid.Check(t, func(t *rapid.T) {
		columns := rapid.SliceOfNDistinct(rapid.StringMatching(`[AaB]{1,2}`), 1, 6, rapid.ID[string]).Draw(t, "columns")
		var entries []string
		for _, c := range columns {
			entries = append(entries, fmt.Sprintf(`{"Name":%q,"Type":%q}`, c, rapid.SampledFrom(types).Draw(t, "type")))
		}
		var rows []string
		for range rapid.IntRange(0, 12).Draw(t, "rows") {
			rows = append(rows, drawRow(t, columns))
		}
		s, r := "["+strings.Join(entries, ",")+"]", "["+strings.Join(rows, " ,\n")+"]"
		body := rapid.SampledFrom([]string{
			`{"Schema":` + s + `,"Results":` + r + `}`, `{"schema":` + s + `,"results":` + r + `}`,
			`{"results":` + r + `,"schema":` + s + `}`, `{"@odata.context":"","Schema":` + s + `,"Results":` + r + `}`,
		}).Draw(t, "body")
		if !checkAgainstOracle(t, []byte(body)) {
			t.Fatalf("not accepted: %s", body)
		}
	})
}

func drawRow(t *rapid.T, columns []string) string {
	var fields []string
	for _, c := range rapid.Permutation(columns).Draw(t, "order") {
		switch rapid.IntRange(0, 9).Draw(t, "field") {
		case 0: // missing
			continue
		case 1:
			fields = append(fields, fmt.Sprintf(`"%s@odata.type":"#x"`, c))
		case 2:
			fields = append(fields, rapid.SampledFrom([]string{`"new":1`, `"x":{"y@odata.type":1}`, `"x":["[]"]`, `"` + c + `":null`}).Draw(t, "foreign"))
		}
		fields = append(fields, `"`+c+`" : `+drawValue(t, 3))
	}
	return "{" + strings.Join(fields, ",") + "}"
}

// Values that are near to, or beyond, what some type takes.
var values = []string{
	`null`, `{}`, `{ }`, `[]`, `true`, `false`, `0`, `1`, `-0`, `2`, `-1`, `1.0`, `1e2`, `12.5`, `"NaN"`, `"Infinity"`, `"-Infinity"`, `1e999`, `123456789012345.6`,
	`2147483648`, `-2147483648`, `9223372036854775807`, `9223372036854775808`, `-9223372036854775808`, `"9007199254740993"`, `0.30000000000000004`,
	`"2026-02-28T23:59:59.9999999Z"`, `"2024-02-29T00:00:00"`, `"2026-02-29T00:00:00Z"`, `"0001-01-01T00:00:00+00:00"`, `"9999-12-31T23:59:59.1Z"`,
	`"true"`, `"False"`, `"0"`, `"1"`, `""`, `" "`, `"{\"a\":1,\"b@odata.type\":2}"`, `"[1, {\"c\":\"\\n\"}]"`, `"{"`, `"\ud83d\ude00 \ud83d \/ \u00e9 \b"`, `"00000000-0000-0000-0000-000000000000"`,
}

func drawValue(t *rapid.T, depth int) string {
	shape := rapid.IntRange(0, 5).Draw(t, "shape")
	switch {
	case depth > 0 && shape == 0:
		return "[ " + strings.Join(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string { return drawValue(t, depth-1) }), 0, 4).Draw(t, "array"), " , ") + " ]"
	case depth > 0 && shape == 1:
		var fields []string
		for _, k := range rapid.SliceOfN(rapid.SampledFrom([]string{`"a"`, `"b"`, `"@odata.type"`, `"a@odata.type"`, `"\u00e9"`}), 0, 4).Draw(t, "keys") {
			fields = append(fields, k+"\t:"+drawValue(t, depth-1))
		}
		return "{" + strings.Join(fields, ",\n") + "}"
	case shape == 2:
		text, err := json.Marshal(rapid.String().Draw(t, "text"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	case shape == 3:
		return fmt.Sprint(rapid.Int64().Draw(t, "int"))
	case shape == 4:
		return fmt.Sprint(rapid.Float64().Draw(t, "float"))
	}
	return rapid.SampledFrom(values).Draw(t, "value")
}
