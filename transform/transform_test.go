package transform_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/google/go-cmp/cmp"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/pool"
	"hunting-exporter/schema"
	"hunting-exporter/transform"
)

var window = hunting.Window{
	Start: time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC),
	End:   time.Date(2026, 1, 2, 4, 0, 0, 0, time.UTC),
}

// decode decodes a body through a small window, from a reader that gives it in pieces. The
// plain columns begin without a dictionary.
func decode(ctx context.Context, p *pool.Pool, cfg transform.Config, body []byte, plain ...schema.Column) (hunting.Answer, error) {
	d := transform.NewDecoder(cfg, p)
	d.SetWindow(256 + 128*(len(body)%3))
	d.SetLearnAfter(2 + len(body)%5)
	d.SetPlain("T", plain)
	a, err := d.Decode(ctx, hunting.Dataset{Name: "T"}, window, iotest.HalfReader(bytes.NewReader(body)))
	if err != nil && (a.Record != nil || p.Lent() != 0) {
		panic("buffers are not given back after an error")
	}
	return a, err
}

func apply(ctx context.Context, cfg transform.Config, body []byte, plain ...schema.Column) (hunting.Batch, error) {
	return applyIn(ctx, new(pool.Pool), cfg, body, plain...)
}

func applyIn(ctx context.Context, p *pool.Pool, cfg transform.Config, body []byte, plain ...schema.Column) (hunting.Batch, error) {
	a, err := decode(ctx, p, cfg, body, plain...)
	if err != nil {
		return hunting.Batch{}, err
	}
	columns, err := schema.Evolve(nil)
	if err != nil {
		return hunting.Batch{}, err
	}
	page := hunting.Page{Part: hunting.Part{Window: window}, Answer: a}
	batch, err := transform.New(cfg, slog.New(slog.DiscardHandler)).Transform(ctx, hunting.Dataset{Name: "T"}, columns, page)
	if err == nil && batch.Record == nil { // so that tests need not ask
		batch.Record = array.NewRecord(arrow.NewSchema(nil, nil), nil, 0)
	}
	return batch, err
}

// turn transforms a body that must be good, and sees that its memory comes back.
func turn(t testing.TB, body string) hunting.Batch {
	t.Helper()
	var p pool.Pool
	batch, err := applyIn(t.Context(), &p, transform.Config{}, []byte(body))
	if err != nil {
		t.Fatalf("%s\n%v", body, err)
	}
	if batch.Window != window || len(batch.Hashes) != int(batch.Record.NumRows()) {
		t.Fatalf("window %v, %d hashes for %d rows", batch.Window, len(batch.Hashes), batch.Record.NumRows())
	}
	t.Cleanup(func() {
		if batch.Release(); p.Lent() != 0 {
			t.Errorf("%d bytes were not given back", p.Lent())
		}
	})
	return batch
}

// legacy and graph make an answer of one flavour; columns are "Name Type, Name Type".
func legacy(columns, rows string) string {
	return `{"Stats":{"ExecutionTime":0.1},"Schema":[` + columnList(columns, "Name", "Type") + `],"Results":[` + rows + `]}`
}

func graph(columns, rows string) string {
	return `{"@odata.context":"https://graph.example/$metadata#x","schema":[` + columnList(columns, "name", "type") + `],"results":[` + rows + `]}`
}

func columnList(columns, name, typ string) string {
	var out []string
	for c := range strings.SplitSeq(columns, ", ") {
		n, k, _ := strings.Cut(c, " ")
		out = append(out, fmt.Sprintf(`{%q:%q,%q:%q}`, name, n, typ, k))
	}
	return strings.Join(out, ",")
}

const null = "<null>"

// cells prints a record, a line a row.
func cells(r arrow.Record) [][]string {
	out := make([][]string, r.NumRows())
	for i := range out {
		for _, col := range r.Columns() {
			out[i] = append(out[i], cellText(col, i))
		}
	}
	return out
}

func cellText(col arrow.Array, i int) string {
	if col.IsNull(i) {
		return null
	}
	if text, ok := schema.TextOf(col); ok {
		return string(text.Value(i))
	}
	switch c := col.(type) {
	case *array.Boolean:
		return fmt.Sprint(c.Value(i))
	case *array.Int32:
		return fmt.Sprint(c.Value(i))
	case *array.Int64:
		return fmt.Sprint(c.Value(i))
	case *array.Float64:
		return fmt.Sprint(c.Value(i))
	case *schema.DateTimeArray:
		return c.ValueStr(i)
	}
	return "?"
}

func TestCellsOfEveryType(t *testing.T) {
	const rejected = "<rejected>"
	for _, c := range []struct{ typ, json, legacy, graph string }{
		{"DateTime", `"2026-01-31T12:34:56Z"`, "2026-01-31T12:34:56Z", ""},
		{"DateTime", `"2026-01-31T12:34:56.1Z"`, "2026-01-31T12:34:56.1Z", ""},
		{"DateTime", `"2026-01-31T12:34:56.12Z"`, "2026-01-31T12:34:56.12Z", ""},
		{"DateTime", `"2026-01-31T12:34:56.123Z"`, "2026-01-31T12:34:56.123Z", ""},
		{"DateTime", `"2026-01-31T12:34:56.1234Z"`, "2026-01-31T12:34:56.1234Z", ""},
		{"DateTime", `"2026-01-31T12:34:56.12345Z"`, "2026-01-31T12:34:56.12345Z", ""},
		{"DateTime", `"2026-01-31T12:34:56.123456Z"`, "2026-01-31T12:34:56.123456Z", ""},
		{"DateTime", `"2026-01-31T12:34:56.1234567Z"`, "2026-01-31T12:34:56.1234567Z", ""},
		{"DateTime", `"2026-01-31T12:34:56.0000000Z"`, "2026-01-31T12:34:56Z", ""},
		{"DateTime", `"2026-01-31T12:34:56.5"`, "2026-01-31T12:34:56.5Z", ""},
		{"DateTime", `"2026-01-31T12:34:56+00:00"`, "2026-01-31T12:34:56Z", ""},
		{"DateTime", `"2026\u002d01-31T12:34:56Z"`, "2026-01-31T12:34:56Z", ""},
		{"DateTime", `"0001-01-01T00:00:00Z"`, "0001-01-01T00:00:00Z", ""},
		{"DateTime", `"9999-12-31T23:59:59.9999999Z"`, "9999-12-31T23:59:59.9999999Z", ""},
		{"DateTime", `"1600-02-29T00:00:00Z"`, "1600-02-29T00:00:00Z", ""},
		{"DateTime", `null`, null, ""},
		{"DateTime", `{}`, null, ""},
		{"DateTime", `"2026-01-31T12:34:56.12345678Z"`, rejected, ""},
		{"DateTime", `"2026-01-31T12:34:56.Z"`, rejected, ""},
		{"DateTime", `"2026-01-31T12:34:56+01:00"`, rejected, ""},
		{"DateTime", `"2026-01-31 12:34:56Z"`, rejected, ""},
		{"DateTime", `"2026-01-31"`, rejected, ""},
		{"DateTime", `"2026-02-30T00:00:00Z"`, rejected, ""},
		{"DateTime", `"1900-02-29T00:00:00Z"`, rejected, ""},
		{"DateTime", `"2026-04-31T00:00:00Z"`, rejected, ""},
		{"DateTime", `"2026-13-01T00:00:00Z"`, rejected, ""},
		{"DateTime", `"2026-00-01T00:00:00Z"`, rejected, ""},
		{"DateTime", `"2026-01-00T00:00:00Z"`, rejected, ""},
		{"DateTime", `"0000-01-01T00:00:00Z"`, rejected, ""},
		{"DateTime", `"2026-01-01T24:00:00Z"`, rejected, ""},
		{"DateTime", `"2026-01-01T00:60:00Z"`, rejected, ""},
		{"DateTime", `"2026-01-01T00:00:60Z"`, rejected, ""},
		{"DateTime", `""`, rejected, ""},
		{"DateTime", `1769862896`, rejected, ""},
		{"DateTime", `["2026-01-31T12:34:56Z"]`, rejected, ""},

		{"SByte", `0`, "false", ""},
		{"SByte", `1`, "true", ""},
		{"SByte", `true`, "true", ""},
		{"SByte", `false`, "false", ""},
		{"SByte", `"0"`, "false", ""},
		{"SByte", `"1"`, "true", ""},
		{"SByte", `"true"`, "true", ""},
		{"SByte", `"False"`, "false", ""},
		{"SByte", `null`, null, ""},
		{"SByte", `{}`, null, ""},
		{"SByte", `{ }`, null, ""},
		{"SByte", `{"a":1}`, rejected, ""},
		{"SByte", `2`, rejected, ""},
		{"SByte", `-1`, rejected, ""},
		{"SByte", `1.0`, rejected, ""},
		{"SByte", `"yes"`, rejected, ""},
		{"SByte", `""`, rejected, ""},
		{"Boolean", `1`, "true", ""},
		{"Boolean", `false`, "false", ""},
		{"Boolean", `null`, null, ""},

		{"Int32", `0`, "0", ""},
		{"Int32", `-0`, "0", ""},
		{"Int32", `2147483647`, "2147483647", ""},
		{"Int32", `-2147483648`, "-2147483648", ""},
		{"Int32", `"17"`, "17", ""},
		{"Int32", `null`, null, ""},
		{"Int32", `{}`, null, ""},
		{"Int32", `2147483648`, rejected, ""},
		{"Int32", `-2147483649`, rejected, ""},
		{"Int32", `1.5`, rejected, ""},
		{"Int32", `1.0`, rejected, ""},
		{"Int32", `1e2`, rejected, ""},
		{"Int32", `""`, rejected, ""},
		{"Int32", `"1x"`, rejected, ""},
		{"Int32", `" 1"`, rejected, ""},
		{"Int32", `"+1"`, rejected, ""},
		{"Int32", `true`, rejected, ""},
		{"Int32", `[]`, rejected, ""},

		{"Int64", `9007199254740993`, "9007199254740993", ""},
		{"Int64", `"9007199254740993"`, "9007199254740993", ""},
		{"Int64", `9223372036854775807`, "9223372036854775807", ""},
		{"Int64", `-9223372036854775808`, "-9223372036854775808", ""},
		{"Int64", `null`, null, ""},
		{"Int64", `{}`, null, ""},
		{"Int64", `9223372036854775808`, rejected, ""},
		{"Int64", `-9223372036854775809`, rejected, ""},
		{"Int64", `18446744073709551617`, rejected, ""},
		{"Int64", `0.5`, rejected, ""},
		{"Int64", `"007"`, rejected, ""},
		{"Int64", `{"a":1}`, rejected, ""},

		{"Double", `5`, "5", ""},
		{"Double", `5.0`, "5", ""},
		{"Double", `-0.0`, "-0", ""},
		{"Double", `1e3`, "1000", ""},
		{"Double", `9.81`, "9.81", ""},
		{"Double", `0.1234567890123456789`, "0.12345678901234568", ""},
		{"Double", `1.7976931348623157e308`, "1.7976931348623157e+308", ""},
		{"Double", `5e-324`, "5e-324", ""},
		{"Double", `1e-400`, "0", ""},
		{"Double", `"7.5"`, "7.5", ""},
		{"Double", `9999999999999999`, "1e+16", ""},
		{"Double", `"NaN"`, null, ""},
		{"Double", `"Infinity"`, "+Inf", ""},
		{"Double", `"-Infinity"`, "-Inf", ""},
		{"Double", `null`, null, ""},
		{"Double", `{}`, null, ""},
		{"Double", `1e999`, rejected, ""},
		{"Double", `"nan!"`, rejected, ""},
		{"Double", `"0x1p4"`, rejected, ""},
		{"Double", `""`, rejected, ""},
		{"Double", `true`, rejected, ""},

		{"String", `""`, "", ""},
		{"String", `null`, "", ""},
		{"String", `"a\u0000b"`, "a\x00b", ""},
		{"String", `"{}"`, "{}", ""},
		{"String", `"null"`, "null", ""},
		{"String", `12`, "12", ""},
		{"String", `1.50`, "1.50", ""},
		{"String", `true`, "true", ""},
		{"String", `{ "a" : [ 1 ] }`, `{"a":[1]}`, ""},
		{"String", `[]`, "[]", ""},
		{"String", `"{\"a\":1}"`, `{"a":1}`, ""},

		{"Guid", `"5f0f6b1e-0000-4000-8000-000000000001"`, "5f0f6b1e-0000-4000-8000-000000000001", ""},
		{"Guid", `null`, null, ""},
		{"Guid", `{}`, null, ""},
		{"Guid", `""`, "", ""},
		{"TimeSpan", `"1.02:03:04.5"`, "1.02:03:04.5", ""},
		{"TimeSpan", `"PT1.5S"`, "PT1.5S", ""},
		{"TimeSpan", `null`, null, ""},
		{"TimeSpan", `{}`, null, ""},
		{"SqlDecimal", `"12345678901234567890.123"`, "12345678901234567890.123", ""},
		{"SqlDecimal", `12345678901234567890.1230`, "12345678901234567890.1230", ""},
		{"SqlDecimal", `null`, null, ""},
		{"Decimal", `0.10`, "0.10", ""},
		{"SomethingOf2027", `"x"`, "x", ""},
		{"SomethingOf2027", `null`, null, ""},
		{"SomethingOf2027", `[1, 2]`, "[1,2]", ""},

		{"Object", `null`, null, ""},
		{"Object", `{}`, "{}", null},
		{"Object", `{ }`, "{}", null},
		{"Dynamic", `{}`, "{}", null},
		{"Object", `{"@odata.type":"#x"}`, `{"@odata.type":"#x"}`, "{}"}, // a bag that is there and empty
		{"Object", `"text"`, `"text"`, ""},
		{"Object", `1.0`, "1.0", ""},
		{"Object", `true`, "true", ""},
		{"Object", `""`, `""`, ""},
		{"Object", ` [ 1 , {"b" : null, "a":{}} ] `, `[1,{"b":null,"a":{}}]`, ""},
		{"Object", `"{\"a\":1}"`, `"{\"a\":1}"`, ""}, // outside of an array it stays text
		{"Object", `["{\"a\": 1}", "[1, 2]", "{x}", "[", "", " { } "]`, `["{\"a\": 1}","[1, 2]","{x}","[",""," { } "]`, `[{"a":1},[1,2],"{x}","[","",{}]`},
		{"Object", `["{}\u0000","{} x","[1]]"]`, `["{}\u0000","{} x","[1]]"]`, ""},
		{"Object", `{"p":["{\"q\":[\"{\\\"r\\\":1}\"]}"]}`, `{"p":["{\"q\":[\"{\\\"r\\\":1}\"]}"]}`, `{"p":[{"q":["{\"r\":1}"]}]}`},
		{
			"Object", `{"a@odata.type":"#Int64","a":1,"b":{"@odata.type":"#y","c":[{"@odata.type":"#z"}]}}`,
			`{"a@odata.type":"#Int64","a":1,"b":{"@odata.type":"#y","c":[{"@odata.type":"#z"}]}}`, `{"a":1,"b":{"c":[{}]}}`,
		},
		{"Object", `{"a":1,"\u0040odata.type":"#x"}`, `{"a":1,"@odata.type":"#x"}`, `{"a":1}`},
		{"Object", `{"a@odata.typed":1}`, `{"a@odata.typed":1}`, ""},
	} {
		if c.graph == "" {
			c.graph = c.legacy
		}
		check := func(flavour, body, want string) {
			batch := turn(t, body)
			got := rejected
			if batch.Record.NumRows() == 1 {
				got = cellText(batch.Record.Column(0), 0)
			} else if r := batch.Rejects[0]; !strings.Contains(r.Reason, "column C ("+c.typ+")") || string(r.Row) != `{"C":`+c.json+`}` {
				t.Errorf("%s %s: reject %q of row %s", c.typ, c.json, r.Reason, r.Row)
			}
			if got != want {
				t.Errorf("%s, %s %s became %q, want %q", flavour, c.typ, c.json, got, want)
			}
		}
		check("legacy", legacy("C "+c.typ, `{"C":`+c.json+`}`), c.legacy)
		check("graph", graph("C "+c.typ, `{"C":`+c.json+`}`), c.graph)
	}
}

func TestEveryEscape(t *testing.T) {
	for _, c := range []struct{ json, text, canonical string }{
		{`"\"\\\/\b\f\n\r\t"`, "\"\\/\b\f\n\r\t", `"\"\\/\b\f\n\r\t"`},
		{`"\u0008\u000c\u000a\u000D\u0009\u0022\u005C\u002f"`, "\b\f\n\r\t\"\\/", `"\b\f\n\r\t\"\\/"`},
		{`"\u0000\u0001\u000b\u001f\u007f"`, "\x00\x01\x0b\x1f\x7f", `"\u0000\u0001\u000b\u001f` + "\x7f" + `"`},
		{`"\u00e9\u20AC\u2028"`, "é€\u2028", "\"é€\u2028\""},
		{`"é€😀"`, "é€😀", `"é€😀"`},
		{`"\ud83d\ude00"`, "😀", `"😀"`},
		{`"x\ud83dy"`, "x\ufffdy", "\"x\ufffdy\""},
		{`"\ude00"`, "\ufffd", "\"\ufffd\""},
		{`"\ud83d\ud83d\ude00"`, "\ufffd😀", "\"\ufffd😀\""},
		{`"\ud83d\u0041"`, "\ufffdA", "\"\ufffdA\""},
		{`"\ud83d\n"`, "\ufffd\n", "\"\ufffd\\n\""},
		{`"\ud83d"`, "\ufffd", "\"\ufffd\""},
		{`"<&>"`, "<&>", `"<&>"`},
		{
			`"long enough for eight bytes at a time \" and again \\ to the end"`, `long enough for eight bytes at a time " and again \ to the end`,
			`"long enough for eight bytes at a time \" and again \\ to the end"`,
		},
	} {
		got := cells(turn(t, legacy("S String, D Object", `{"S":`+c.json+`,"D":`+c.json+`}`)).Record)[0]
		if got[0] != c.text || got[1] != c.canonical {
			t.Errorf("%s became %q and %s, want %q and %s", c.json, got[0], got[1], c.text, c.canonical)
		}
		key := cells(turn(t, legacy("D Object", `{"D":{`+c.json+`:1}}`)).Record)[0]
		if key[0] != `{`+c.canonical+`:1}` {
			t.Errorf("the key %s became %s", c.json, key[0])
		}
	}
}

func TestBytesThatAreNotUTF8RejectTheirRow(t *testing.T) {
	for _, row := range []string{
		`{"S":"a` + "\xff" + `b"}`, `{"S":"` + "\xed\xa0\x80" + `"}`, `{"D":["` + "\xc3" + `"]}`, `{"D":{"` + "\xc3" + `":1}}`,
		`{"G":"` + "\xff" + `"}`, `{"new":"` + "\xff" + `"}`, `{"new` + "\xff" + `":1}`, `{"S":{"a":"` + "\xff" + `"}}`,
	} {
		batch := turn(t, graph("S String, D Object, G Guid", row+`,{"S":"good"}`))
		if len(batch.Rejects) != 1 || !strings.Contains(batch.Rejects[0].Reason, "UTF-8") || string(batch.Rejects[0].Row) != row {
			t.Errorf("%q: rejects %v", row, batch.Rejects)
		}
		if diff := cmp.Diff([][]string{{"good", null, null}}, cells(batch.Record)); diff != "" {
			t.Errorf("%q: the good row (-want +got):\n%s", row, diff)
		}
	}
}

func TestNaNsAreCounted(t *testing.T) {
	var logged bytes.Buffer
	body := legacy("X Double, Y Int32", `{"X":"NaN","Y":1},{"X":"NaN","Y":"secret"},{"X":1,"Y":1}`)
	a, err := decode(t.Context(), new(pool.Pool), transform.Config{}, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if a.NaNs != 1 || a.Record.NumRows() != 2 {
		t.Errorf("%d NaNs in %d rows; that of the rejected row does not count", a.NaNs, a.Record.NumRows())
	}
	columns, _ := schema.Evolve(nil)
	tr := transform.New(transform.Config{}, slog.New(slog.NewTextHandler(&logged, nil)))
	batch, err := tr.Transform(t.Context(), hunting.Dataset{Name: "T"}, columns, hunting.Page{Answer: a})
	if err != nil {
		t.Fatal(err)
	}
	defer batch.Release()
	if strings.Contains(logged.String(), "secret") || !strings.Contains(logged.String(), "column Y (Int32)") || !strings.Contains(logged.String(), "cells=1") {
		t.Errorf("log:\n%s", logged.String())
	}
}

func TestACancelledContextEndsTheWork(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := apply(ctx, transform.Config{}, []byte(legacy("A Int32", `{"A":1}`)))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
