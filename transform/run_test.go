package transform_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestRunsAreReadAsCellsAre: rows that say the same of a program, mostly.
func TestRunsAreReadAsCellsAre(t *testing.T) {
	const columns = "Head String, S String, L Int64, T DateTime, G Guid, D Dynamic, B SByte, I Int32, Last String"
	names := strings.FieldsFunc(columns, func(r rune) bool { return r == ',' || r == ' ' })
	cells := map[string][]string{
		"Head": {`"a"`, `"b"`, `"\u0063"`, `""`}, "S": {`"x"`, `"xy"`, `"\\"`, `null`, `"é"`}, "L": {`1`, `12`, `"12"`, `-1`, `null`, `1.0`},
		"T": {`"2026-01-02T03:04:05Z"`, `"2026-01-02T03:04:05.1Z"`, `null`}, "G": {`"g"`, `null`, `{}`}, "D": {`{"a":1}`, `"{\"a\":1}"`, `null`, `[ ]`, `1`, `12`},
		"B": {`0`, `1`, `true`, `null`}, "I": {`1`, `12`, `{}`}, "Last": {`""`, `"l"`, `"ll"`},
	}
	rapid.Check(t, func(t *rapid.T) {
		programs := make([]map[string]string, rapid.IntRange(1, 4).Draw(t, "programs"))
		oddities := make([]oddity, len(programs))
		for i := range programs {
			programs[i] = map[string]string{"Head": cells["Head"][i]}
			for c := 2; c < len(names); c += 2 {
				programs[i][names[c]] = rapid.SampledFrom(cells[names[c]]).Draw(t, names[c])
			}
			oddities[i] = drawOddity(t)
		}
		var rows []string
		for range rapid.IntRange(4, 40).Draw(t, "rows") {
			i := rapid.IntRange(0, len(programs)-1).Draw(t, "program")
			odd := oddities[i]
			if rapid.IntRange(0, 9).Draw(t, "another") == 0 {
				odd = drawOddity(t)
			}
			rows = append(rows, odd.row(t, names, cells, programs[i]))
		}
		body := legacy(columns, strings.Join(rows, ","))
		if rapid.Bool().Draw(t, "graph") {
			body = graph(columns, strings.Join(rows, ","))
		}
		if !checkAgainstOracle(t, []byte(body)) {
			t.Fatalf("not accepted: %s", body)
		}
	})
}

// oddity is what is unusual in a row, and at which column.
type oddity struct{ what, at int }

func drawOddity(t *rapid.T) oddity {
	return oddity{rapid.IntRange(0, 24).Draw(t, "odd"), rapid.IntRange(0, 8).Draw(t, "where")}
}

// row writes a row of a program.
func (o oddity) row(t *rapid.T, names []string, cells map[string][]string, program map[string]string) string {
	odd, at := o.what, o.at
	var fields []string
	for c := 0; c < len(names); c += 2 {
		name, here := names[c], c/2 == at
		value := program[name]
		if here && odd < 4 {
			value = rapid.SampledFrom(cells[name]).Draw(t, "other")
		}
		field := fmt.Sprintf("%q:%s", name, value)
		switch {
		case here && odd == 4: // missing
			continue
		case here && odd == 5:
			field = `"new":1,` + field
		case here && odd == 6:
			field += `,"new":2`
		case here && odd == 7:
			field += "," + field
		case here && odd == 8 || c == 8:
			field = fmt.Sprintf(`"%s@odata.type":"#x",`, name) + field
		case here && odd == 9:
			field += " "
		}
		fields = append(fields, field)
	}
	switch odd {
	case 10:
		slices.Reverse(fields)
	case 11:
		fields = append(fields[at:], fields[:at]...)
	case 12: // what a run would say comes first
		fields = append([]string{fields[at]}, fields...)
	}
	return "{" + strings.Join(fields, ",") + "}"
}

// TestRunEndsWhereItsBytesEnd: a number goes on, a row ends in the middle of a run, a key
// that the Schema does not name stands in it.
func TestRunEndsWhereItsBytesEnd(t *testing.T) {
	const columns = "Head String, S String, L Int64"
	program := `{"Head":"a","S":"x","L":1},`
	for _, odd := range []string{
		`{"Head":"a","S":"x","L":12}`,
		`{"Head":"a","S":"y"},{"L":2}`,
		`{"Head":"a","S":"y","new":1,"L":2}`,
		`{"Head":"a","L":1,"S":"x"}`,
		`{"Head":"a","S":"x","L":1,"S":"x"}`,
		`{"S":"x","Head":"a","S":"x","L":1}`,
		`{"Head":"a","S":"x","L":1.5}`,
	} {
		rows := strings.Repeat(program, 8) + strings.Repeat(odd+",", 3) + program + odd
		if !checkAgainstOracle(t, []byte(legacy(columns, rows))) {
			t.Errorf("not accepted: %s", odd)
		}
		turn(t, legacy(columns, rows)) // gives its memory back
	}
}

// TestRunTextIsBounded: what is forgotten is not taken for what came in its place.
func TestRunTextIsBounded(t *testing.T) {
	row := func(head, text int) string {
		return fmt.Sprintf(`{"Head":"%d","S":"%s%d"}`, head, strings.Repeat("x", 145_000), 100+text)
	}
	var rows []string
	for range 8 {
		rows = append(rows, row(0, 0))
	}
	for i := range 30 {
		rows = append(rows, row(i, i))
	}
	for i := range 10 { // what came in the place of this head's
		rows = append(rows, row(i, i+20))
	}
	if !checkAgainstOracle(t, []byte(legacy("Head String, S String", strings.Join(rows, ",")))) {
		t.Fatal("not accepted")
	}
}

// TestRunOfAColumnThatGivesUpItsDictionary: the numbers that were remembered mean nothing
// then.
func TestRunOfAColumnThatGivesUpItsDictionary(t *testing.T) {
	var rows []string
	for i := range 8_000 {
		text, head := "same", "head"
		if i > 3000 && i%50 != 0 { // the old bytes occur again
			text, head = fmt.Sprint("other ", i), fmt.Sprint("head ", i%3)
		}
		rows = append(rows, fmt.Sprintf(`{"Head":%q,"S":%q,"L":7}`, head, text))
	}
	if !checkAgainstOracle(t, []byte(legacy("Head String, S String, L Int64", strings.Join(rows, ",")))) {
		t.Fatal("not accepted")
	}
}
