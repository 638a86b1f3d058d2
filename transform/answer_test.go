package transform_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/google/go-cmp/cmp"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/pool"
	"hunting-exporter/internal/setting"
	"hunting-exporter/schema"
	"hunting-exporter/transform"
)

func TestFormsOfAnAnswer(t *testing.T) {
	const cols = `[{"Name":"A","Type":"Int32"},{"Type":"Object","@odata.type":"#x","Name":"D"}]`
	const rows = `[{"A":1,"D":["{\"b\":2}"]},{"A":2}]`
	text, object := `["{\"b\":2}"]`, `[{"b":2}]`
	for body, want := range map[string]string{
		`{"Schema":` + cols + `,"Results":` + rows + `}`:                                                  text,
		`{"schema":` + cols + `,"results":` + rows + `}`:                                                  object,
		`{"Results":` + rows + `,"Schema":` + cols + `}`:                                                  text,
		`{"results":` + rows + `,"schema":` + cols + `}`:                                                  object,
		`{"@odata.context":"c","Schema":` + cols + `,"Results":` + rows + `}`:                             object,
		`{"Stats":{"a":[1,{"b":null}]},"Schema":` + cols + `,"x":-1.5e3,"Results":` + rows + `,"y":true}`: text,
		`{"\u0053chema":` + cols + `,"R\u0065sults":` + rows + `}`:                                        text,
		"\n {\t\"Schema\" :" + cols + " ,\r\n\"Results\"\n: " + rows + " } \n":                            text,
		`{"error":null,"Schema":` + cols + `,"Results":` + rows + `}`:                                     text,
	} {
		batch := turn(t, body)
		if diff := cmp.Diff([][]string{{"1", want}, {"2", null}}, cells(batch.Record)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
		names := []string{batch.Record.ColumnName(0), batch.Record.ColumnName(1)}
		if !cmp.Equal(names, []string{"A", "D"}) {
			t.Errorf("%s: columns %v", body, names)
		}
	}
}

func TestEmptyAnswers(t *testing.T) {
	for _, body := range []string{legacy("A Int32, B String", ""), graph("A Int32, B String", " "), `{"Schema":[],"Results":[]}`} {
		if a, err := decode(t.Context(), new(pool.Pool), transform.Config{}, []byte(body)); err != nil || a.Rows() != 0 || a.Record != nil {
			t.Errorf("%s became %v, %v", body, a, err)
		}
	}
}

func TestWhatIsNoAnswer(t *testing.T) {
	for _, body := range []string{
		``, ` `, `{}`, `[]`, `null`, `<html>502</html>`,
		`{"Results":[]}`, `{"Results":[{"A":1}]}`, `{"Schema":[{"Name":"A","Type":"Int32"}]}`,
		`{"Schema":[],"Results":[{}]}`, `{"Schema":null,"Results":[]}`, `{"Schema":[{"Name":"A","Type":"Int32"}],"Results":null}`,
		`{"Schema":[{"Name":"A","Type":"Int32"}],"Results":{}}`, `{"Schema":[1],"Results":[]}`, `{"Schema":[{"Type":"Int32"}],"Results":[]}`,
		`{"Schema":[{"Name":1,"Type":"Int32"}],"Results":[]}`,
		`{"Schema":[{"Name":"A","Type":"Int32"},{"Name":"A","Type":"Int64"}],"Results":[]}`,
		`{"Schema":[],"Results":[],"Results":[]}`, `{"Schema":[],"schema":[],"Results":[]}`,
		legacy("A Int32", `{"A":1}`) + `x`, legacy("A Int32", `{"A":1}`) + `{}`, "\ufeff" + legacy("A Int32", ``),
		legacy("A Int32", `{"A":1},`), legacy("A Int32", `{"A":1,}`), legacy("A Int32", `,{"A":1}`), legacy("A Int32", `{"A":1}{"A":1}`),
		legacy("A Int32", `{"A":01}`), legacy("A Int32", `{"A":1.}`), legacy("A Int32", `{"A":-}`), legacy("A Int32", `{"A":+1}`), legacy("A Int32", `{"A":.5}`),
		legacy("A Double", `{"A":1e}`), legacy("A Double", `{"A":NaN}`), legacy("A Int32", `{"A":nul}`), legacy("A Int32", `{"A"1}`), legacy("A Int32", `{A:1}`),
		legacy("A Int32", `{"A":tru}`), legacy("A SByte", `{"A":True}`), legacy("A Int32", `{"A":}`), legacy("A Int32", `{"A":1 "B":2}`), legacy("A Int32", `{'A':1}`),
		legacy("A String", `{"A":"\x"}`), legacy("A String", `{"A":"\u12g4"}`), legacy("A String", "{\"A\":\"a\nb\"}"), legacy("A String", "{\"A\":\"a\x00b\"}"),
		legacy("A Object", `{"A":[1,]}`), legacy("A Object", `{"A":{"a"}}`), legacy("A Object", `{"A":{"a":1,}}`), legacy("A Object", `{"A":[1 2]}`),
		legacy("A Int32", `{"A":"x","B":[1,}`), legacy("A Int32", `{"A":"x","A":`), // broken behind what rejects the row
		legacy("A Int32", `{"A":1,"B@odata.type":"\x"}`), legacy("A Int32", `[1,}`),
		`{"Stats":{"a":1,},"Schema":[],"Results":[]}`, `{"Results":[{"A":1,}],"Schema":[{"Name":"A","Type":"Int32"}]}`,
		`{"Schema":[{"Name":"A","Type":"Int32"}],"Results":[],}`,
	} {
		batch, err := apply(t.Context(), transform.Config{}, []byte(body))
		if !noAnswer(err) || batch.Record != nil {
			t.Errorf("%s gave %v, %v", body, batch.Record, err)
		}
	}
}

func TestABodyCutAnywhereGivesNoBatch(t *testing.T) {
	rows := `{"T":"2026-01-02T03:04:05.6Z","S":"é \"q\" 😀","I":-12,"D":{"a":["{\"b\":1}",null]},"F":1.5e2,"B":1,"new":{}},{"I":"bad"}`
	const cols = "T DateTime, S String, I Int32, D Object, F Double, B SByte"
	swapped := `{"results":[` + rows + `],"schema":[` + columnList(cols, "name", "type") + `]}`
	for _, body := range []string{legacy(cols, rows), graph(cols, rows), swapped} {
		turn(t, body)
		for n := range len(body) {
			batch, err := apply(t.Context(), transform.Config{}, []byte(body[:n]))
			if !noAnswer(err) || batch.Record != nil || batch.Rejects != nil {
				t.Fatalf("cut at %d gave %v, %v", n, batch, err)
			}
		}
	}
}

func noAnswer(err error) bool {
	return errors.Is(err, hunting.ErrMalformed) || errors.Is(err, hunting.ErrCut)
}

func TestACutBodyIsToldFromAMalformedOne(t *testing.T) {
	body := legacy("A Int32, S String", `{"A":-12,"S":"\u00e9 \n"},{"A":null,"S":"x"}`)
	for n := range len(body) {
		if _, err := apply(t.Context(), transform.Config{}, []byte(body[:n])); !errors.Is(err, hunting.ErrCut) || errors.Is(err, hunting.ErrMalformed) {
			t.Errorf("%q: %v", body[:n], err)
		}
	}
	broken := errors.New("connection reset")
	_, err := transform.NewDecoder(transform.Config{}, new(pool.Pool)).Decode(t.Context(), hunting.Dataset{}, window,
		io.MultiReader(strings.NewReader(body[:40]), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) || noAnswer(err) {
		t.Errorf("a body that breaks: %v", err)
	}
}

func TestWhatElseADocumentSays(t *testing.T) {
	for body, want := range map[string]hunting.Answer{
		`{"error":{"code":"BadRequest","message":"allowed limits"}}`:                        {Refusal: []byte(`{"code":"BadRequest","message":"allowed limits"}`)},
		`{"Schema":null,"Results":null,"error":{"code":"x"}}`:                               {Refusal: []byte(`{"code":"x"}`)},
		`{"error":null,"Stats":{"a":[1]},"Schema":[],"Results":[]}`:                         {Stats: []byte(`{"a":[1]}`)},
		`{"schema":[],"results":[],"@odata.nextLink":"https://graph.example/next"}`:         {Partial: true},
		`{"schema":[],"results":[],"@odata.nextLink":null,"other":{"results":[{"A":"}"}]}}`: {},
	} {
		got, err := decode(t.Context(), new(pool.Pool), transform.Config{}, []byte(body))
		want.Bytes = int64(len(body))
		if err != nil {
			t.Errorf("%s: %v", body, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
}

func TestReleaseOfABatch(t *testing.T) {
	batch, err := apply(t.Context(), transform.Config{}, []byte(legacy("A Int32, S String, T DateTime", `{"A":1,"S":"x"}`)))
	if err != nil {
		t.Fatal(err)
	}
	kept := batch.Record
	kept.Retain()
	batch.Release()
	batch.Release()
	if diff := cmp.Diff([][]string{{"1", "x", null}}, cells(kept)); diff != "" {
		t.Errorf("a record that is still held (-want +got):\n%s", diff)
	}
	column := kept.Column(0)
	kept.Release()
	if data, ok := column.Data().(*array.Data); !ok || data != nil {
		t.Error("the last release did not give the column back")
	}
}

func TestBounds(t *testing.T) {
	deep := func(n int) string { // n levels in all; the cell's own begin at 4
		return legacy("D Object", `{"D":`+strings.Repeat("[", n-3)+strings.Repeat("]", n-3)+`}`)
	}
	text := func(n int) string {
		return graph("D Object", `{"D":["`+strings.Repeat("[", n-4)+strings.Repeat("]", n-4)+`"]}`)
	}
	keys := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"k%d":1`, i)
		}
		return legacy("A Int32", `{"A":1`+b.String()+`}`)
	}
	columns := func(n int) string {
		var names []string
		for i := range n {
			names = append(names, fmt.Sprintf("c%d Int32", i))
		}
		return legacy(strings.Join(names, ", "), "")
	}
	long := func(typ string, n int) string {
		return legacy("S "+typ, `{"S":"`+strings.Repeat("x", n)+`"}`)
	}
	cfg := transform.Config{MaxDepth: 10, MaxCell: 50, MaxColumns: 5}
	for name, c := range map[string]struct{ within, beyond string }{
		"depth":         {deep(10), deep(11)},
		"depth of text": {text(10), text(11)},
		"depth of a row rejected": {
			legacy("A Int32", `{"A":[[]]}`), legacy("A Int32", `{"A":`+strings.Repeat("[", 8)+strings.Repeat("]", 8)+`}`),
		},
		"depth of stats": {`{"Stats":[[[[[[[[[]]]]]]]]],"Schema":[],"Results":[]}`, `{"Stats":[[[[[[[[[[]]]]]]]]]],"Schema":[],"Results":[]}`},
		"string cell":    {long("String", 50), long("String", 51)},
		"guid cell":      {long("Guid", 50), long("Guid", 51)},
		"dynamic cell":   {long("Object", 48), long("Object", 49)},
		"columns":        {columns(5), columns(6)},
		"keys not known": {keys(5), keys(6)},
		"cell of the others": {
			legacy("A Int32", `{"A":1},{"k":"`+strings.Repeat("x", 42)+`"}`), legacy("A Int32", `{"A":1},{"k":"`+strings.Repeat("x", 43)+`"}`),
		},
	} {
		batch, err := apply(t.Context(), cfg, []byte(c.within))
		if err != nil {
			t.Errorf("%s at the bound: %v", name, err)
		}
		batch.Release()
		batch, err = apply(t.Context(), cfg, []byte(c.beyond))
		if !errors.Is(err, hunting.ErrLimit) || batch.Record != nil {
			t.Errorf("%s beyond the bound: %v", name, err)
		}
		if strings.Contains(fmt.Sprint(err), "xxx") {
			t.Errorf("%s: the error holds content: %v", name, err)
		}
	}
}

func TestProblemsOfAConfig(t *testing.T) {
	good := setting.WithDefaults(transform.Config{MaxDepth: 128, MaxCell: 16 << 20, MaxColumns: 2000})
	if p := good.Problems(); len(p) != 0 {
		t.Errorf("the defaults: %v", p)
	}
	var got []string
	for _, p := range setting.WithDefaults(transform.Config{MaxDepth: 3, MaxCell: -1, MaxColumns: 1 << 30}).Problems() {
		got = append(got, p.Variable+"="+p.Value)
		if p == (setting.Problem{}) || p.Fix == "" {
			t.Errorf("no fix: %v", p)
		}
	}
	want := []string{"TRANSFORM_MAX_DEPTH=3", "TRANSFORM_MAX_CELL_BYTES=-1B", "TRANSFORM_MAX_COLUMNS=1073741824"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheRecordsSchemaIsTheAnswers(t *testing.T) {
	batch := turn(t, legacy("T DateTime, LogonId Int64, LogonID String, D Object", `{"LogonId":1,"LogonID":"two"}`))
	want, err := schema.Arrow([]schema.Column{
		{Name: "T", Type: "DateTime"}, {Name: "LogonId", Type: "Int64"}, {Name: "LogonID", Type: "String"}, {Name: "D", Type: "Object"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if schema.Fingerprint(batch.Record.Schema()) != schema.Fingerprint(want) {
		t.Errorf("schema %s", batch.Record.Schema())
	}
	if got := batch.Record.ColumnName(2); got != "LogonID_2" {
		t.Errorf("the later of two names that collide is %s", got)
	}
	if diff := cmp.Diff([][]string{{null, "1", "two", null}}, cells(batch.Record)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if batch.Record.Column(0).DataType().ID() != arrow.EXTENSION {
		t.Errorf("T is %s", batch.Record.Column(0).DataType())
	}
}

func TestTheBodyIsNotChanged(t *testing.T) {
	body := []byte(graph("S String, D Object", `{"S":"a\n\u00e9","D":["{\"a\":\"\\u00e9\"}"]}`))
	before := bytes.Clone(body)
	batch, err := apply(t.Context(), transform.Config{}, body)
	if err != nil {
		t.Fatal(err)
	}
	batch.Release()
	if !bytes.Equal(before, body) {
		t.Error("the page's body was written to")
	}
}
