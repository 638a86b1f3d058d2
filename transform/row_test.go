package transform_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
	"hunting-exporter/transform"
)

func TestKeysOfARow(t *testing.T) {
	const cols = "A Int32, S String, D Object"
	for _, c := range []struct {
		name, row string
		want      []string // nil: rejected; a fourth is _extra
	}{
		{"in order", `{"A":1,"S":"x","D":[]}`, []string{"1", "x", "[]"}},
		{"in another order", `{"D":[],"S":"x","A":1}`, []string{"1", "x", "[]"}},
		{"missing", `{"S":"x"}`, []string{null, "x", null}},
		{"all missing", `{}`, []string{null, "", null}},
		{"with white space", "{ \"A\"\t:\n1 , \"S\" : \"x\" }", []string{"1", "x", null}},
		{"with an escape", `{"\u0041":1,"S":"x"}`, []string{"1", "x", null}},
		{"in another case", `{"a":1,"d":[],"s":"x"}`, []string{"1", "x", "[]"}},
		{"in another case, and unknown", `{"a":1,"b":2}`, []string{"1", "", null, `{"b":2}`}},
		{"in two cases", `{"a":1,"A":1}`, nil},
		{"companions", `{"A@odata.type":"#Int32","A":1,"D@odata.type":"#Collection(String)","D":["x"],"@odata.id":{"a":[1]}}`, []string{"1", "", `["x"]`}},
		{"unknown", `{"A":1,"new":{"b" : "\u00e9"},"S":"x","other":null}`, []string{"1", "x", null, `{"new":{"b":"é"},"other":null}`}},
		{"unknown with an escape", `{"n\"\/\u0001":1}`, []string{null, "", null, `{"n\"/\u0001":1}`}},
		{"prefix of a column's name", `{"S":"x","AA":2,"":3}`, []string{null, "x", null, `{"AA":2,"":3}`}},
		{"repeated", `{"A":1,"A":1}`, nil},
		{"repeated null", `{"S":null,"S":null}`, nil},
		{"repeated with an escape", `{"A":1,"\u0041":1}`, nil},
		{"unknown repeated", `{"x":1,"y":2,"\u0078":1}`, nil},
		{"companion repeated", `{"A@odata.type":"#a","A@odata.type":"#b","A":1}`, []string{"1", "", null}},
		{"no object", `[1]`, nil},
		{"null", `null`, nil},
		{"a number", `7`, nil},
		{"a string", `"{}"`, nil},
	} {
		// Between two good rows, so that a rejected one must leave no trace in any column.
		const before, after = `{"A":10,"S":"before","D":{"k":1}}`, `{"A":30,"S":"after"}`
		batch := turn(t, legacy(cols, before+", "+c.row+"\n,"+after))
		want := [][]string{{"10", "before", `{"k":1}`}, c.want, {"30", "after", null}}
		if c.want == nil {
			want = [][]string{want[0], want[2]}
			if len(batch.Rejects) != 1 || string(batch.Rejects[0].Row) != c.row || batch.Rejects[0].Window != window {
				t.Errorf("%s: rejects %v", c.name, batch.Rejects)
			}
		} else if len(c.want) == 4 {
			want[0], want[2] = append(want[0], null), append(want[2], null)
			if got := batch.Record.ColumnName(3); got != schema.Extra {
				t.Errorf("%s: column %s", c.name, got)
			}
		}
		if diff := cmp.Diff(want, cells(batch.Record)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// Answers in which a guess, or all in _extra, would leave columns empty in every row.
func TestKeysThatNoColumnIsSureOf(t *testing.T) {
	for _, body := range []string{
		legacy("LogonId Int32, LogonID Int32", `{"LogonId":1,"logonid":2}`),
		legacy("A Int32, B Int32", `{"x":1,"y":2},{"x":3}`),
		`{"Results":[{"x":1}],"Schema":[{"Name":"A","Type":"Int32"}]}`,
	} {
		if batch, err := apply(t.Context(), transform.Config{}, []byte(body)); !errors.Is(err, hunting.ErrMalformed) {
			t.Errorf("%s gave %v, %v", body, batch.Record, err)
		}
	}
	exact := turn(t, legacy("LogonId Int32, LogonID Int32", `{"LogonID":2,"LogonId":1}`))
	if diff := cmp.Diff([][]string{{"1", "2"}}, cells(exact.Record)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What a row is taken to begin like is what the one before looked like: rows that go on in
// another way.
func TestARowUnlikeTheOneBefore(t *testing.T) {
	const companion = `"A@odata.type":"#Int32"`
	rows := []string{
		`{` + companion + `}`, `{` + companion + `}`, `{` + companion + `,"A":1}`, `{` + companion + ` , "A" :2,"S":"x"}`,
		`{` + companion + `,"S":"xx"}`, `{` + companion + `,"A":3,"S":"x\"x"}`, `{` + companion + `,` + companion + `,"A":4,"S":"x\\"}`,
		`{"A@odata.type":"#Int64","A":5,"S":"x\\"}`, `{"A":6,"S":"x"}`, `{"S":"","A":7}`, `{` + companion + `,"S":"x"}`, `{"S":"x@","A":8}`, `{"S":"x@"}`,
	}
	want := [][]string{
		{null, ""},
		{null, ""},
		{"1", ""},
		{"2", "x"},
		{null, "xx"},
		{"3", `x"x`},
		{"4", `x\`},
		{"5", `x\`},
		{"6", "x"},
		{"7", ""},
		{null, "x"},
		{"8", "x@"},
		{null, "x@"},
	}
	for _, between := range []string{",", " ,\n"} {
		got := cells(turn(t, graph("A Int32, S String", strings.Join(rows, between))).Record)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestExtraTakesANameThatIsFree(t *testing.T) {
	batch := turn(t, legacy("_extra Int32", `{"_extra":1,"new":2}`))
	if diff := cmp.Diff([][]string{{"1", `{"new":2}`}}, cells(batch.Record)); diff != "" || batch.Record.ColumnName(1) != "_extra_2" {
		t.Errorf("column %s (-want +got):\n%s", batch.Record.ColumnName(1), diff)
	}
	if !schema.Dynamic(schema.APIType(batch.Record.Schema().Field(1))) {
		t.Error("the extra column is not dynamic")
	}
}

func TestARejectNamesColumnAndReasonButNotTheValue(t *testing.T) {
	for row, want := range map[string]string{
		`{"A":99999999999}`:        "column A (Int32): out of range",
		`{"A":1.25}`:               "column A (Int32): not a whole number",
		`{"A":"secret"}`:           "column A (Int32): not a whole number",
		`{"T":"secret"}`:           "column T (DateTime): not a time of the form YYYY-MM-DDThh:mm:ss.fffffffZ",
		`{"B":"secret"}`:           "column B (SByte): neither 0, 1, true nor false",
		`{"F":"secret"}`:           "column F (Double): not a number",
		`{"F":{"secret":1}}`:       "column F (Double): an object",
		`{"A":1,"A":2}`:            "column A occurs twice in the row",
		`{"secret":1,"secret":2}`:  "a key that the schema does not name occurs twice in the row",
		`"secret"`:                 "the row is not an object",
		`{"S":"secret` + "\xff\"}": "column S (String): bytes that are not UTF-8",
	} {
		batch := turn(t, legacy("A Int32, T DateTime, B SByte, F Double, S String", row))
		if len(batch.Rejects) != 1 || batch.Rejects[0].Reason != want {
			t.Errorf("%s: rejects %v, want %q", row, batch.Rejects, want)
		}
	}
}

// Rejected rows at every position and after every number of cells: the bitmaps and
// buffers of all kinds of columns must be as if the rejected rows had not been.
func TestARejectedRowLeavesNoTrace(t *testing.T) {
	const cols = "B SByte, I Int32, L Int64, F Double, T DateTime, S String, G Guid, D Object, Z Int32"
	good := func(i int) string {
		if i%3 == 1 {
			return `{}`
		}
		return fmt.Sprintf(`{"B":%d,"I":%d,"L":%d,"F":%d.5,"T":"2026-01-02T03:04:%02dZ","S":"s%d","G":"g%d","D":[%d],"Z":1}`, i%2, i, i, i, i, i, i, i)
	}
	bad := []string{
		`{"B":1,"Z":"bad"}`, `{"B":1,"I":2,"L":3,"F":4,"T":"2026-01-02T03:04:05Z","S":"trace","G":"trace","D":["trace"],"Z":"bad"}`,
		`{"B":null,"I":null,"L":null,"F":null,"T":null,"S":null,"G":null,"D":null,"new":1,"Z":"bad"}`, `{"D":["trace","` + "\xff" + `"]}`, `1`,
	}
	const rows = 40
	var clean []string
	for i := range rows {
		clean = append(clean, good(i))
	}
	want := turn(t, legacy(cols, strings.Join(clean, ",")))
	for n, row := range bad {
		for step := 1; step < 10; step++ {
			var mixed []string
			rejected := 0
			for i := range rows {
				if i%step == 0 {
					mixed = append(mixed, row)
					rejected++
				}
				mixed = append(mixed, good(i))
			}
			got := turn(t, legacy(cols, strings.Join(mixed, ",")))
			if len(got.Rejects) != rejected || !equalBatch(want, got) {
				t.Fatalf("bad row %d in front of every %d: %d rejects\n%s", n, step, len(got.Rejects), cmp.Diff(cells(want.Record), cells(got.Record)))
			}
		}
	}
}

func equalBatch(a, b hunting.Batch) bool {
	if !a.Record.Schema().Equal(b.Record.Schema()) || !cmp.Equal(cells(a.Record), cells(b.Record)) || !cmp.Equal(a.Hashes, b.Hashes) {
		return false
	}
	for i, col := range a.Record.Columns() {
		if col.NullN() != b.Record.Column(i).NullN() {
			return false
		}
	}
	return true
}

// A column's bitmap begins with its first null.
func TestTheFirstNullOfAColumn(t *testing.T) {
	for first := range 20 {
		rows := slices.Repeat([]string{`{"A":1,"G":"g"}`}, 20)
		want := slices.Repeat([][]string{{"1", "g"}}, 20)
		rows[first], want[first] = `{"A":null}`, []string{null, null}
		if diff := cmp.Diff(want, cells(turn(t, legacy("A Int32, G Guid", strings.Join(rows, ","))).Record)); diff != "" {
			t.Errorf("row %d (-want +got):\n%s", first, diff)
		}
	}
}

func TestASchemaWithManyRowsAndLongCells(t *testing.T) {
	var rows []string
	var want [][]string
	for i := range 3000 {
		s := strings.Repeat("é", i%700)
		rows = append(rows, fmt.Sprintf(`{"S":%q,"D":{"n":%d}}`, s, i))
		want = append(want, []string{s, fmt.Sprintf(`{"n":%d}`, i)})
	}
	if diff := cmp.Diff(want, cells(turn(t, legacy("S String, D Object", strings.Join(rows, ","))).Record)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestTextWithoutDictionaryIsCheckedAsWell: it is copied while it is scanned.
func TestTextWithoutDictionaryIsCheckedAsWell(t *testing.T) {
	plain := []schema.Column{{Name: "S", Type: "String"}}
	texts := []string{
		`"plain text, of some length"`, `"\"quoted\" \\ \/ \b\f\n\r\t"`, `"\u00e9 \ud83d\ude00 \ud83d \u0000"`, `"é 😀"`, `""`, `null`, `7`,
		"\"\xff\"", "\"text \xed\xa0\x80 of a surrogate\"", `"\x is no escape"`, `"\u12G4 neither"`, `"\u12"`, "\"a\ttab\"", "\"\x00\"", `"`, `"\`, `"\"`,
	}
	for n := range 512 { // so that the window ends at any byte of an escape
		texts = append(texts, `"`+strings.Repeat("x", n)+`\n\ud83d\ude00"`)
	}
	for _, s := range texts {
		body := []byte(legacy("S String", `{"S":`+s+`},{"S":"another row of some length"}`))
		want, wantErr := apply(t.Context(), transform.Config{}, body)
		got, err := apply(t.Context(), transform.Config{}, body, plain...)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) || fmt.Sprintf("%q", got.Rejects) != fmt.Sprintf("%q", want.Rejects) {
			t.Errorf("%s: %v, %q; with a dictionary %v, %q", s, err, got.Rejects, wantErr, want.Rejects)
		}
		if err == nil && !cmp.Equal(cells(got.Record), cells(want.Record)) {
			t.Errorf("%s: %q; with a dictionary %q", s, cells(got.Record), cells(want.Record))
		}
	}
}
