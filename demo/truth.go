package demo

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/tenant"
)

const tickFormat = "2006-01-02T15:04:05.0000000Z"

// WriteTruth writes what the tenant holds, one <table>.ndjson each: a JSON object a
// row, every column under its name in the lake, dynamic ones as their JSON text, times with all seven digits.
func WriteTruth(dir string, t *tenant.Tenant, tables []string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write truth: %w", err)
	}
	for _, name := range tables {
		if err := writeTruthTable(filepath.Join(dir, name+".ndjson"), t.Rows(name)); err != nil {
			return fmt.Errorf("write truth of %s: %w", name, err)
		}
	}
	return nil
}

func writeTruthTable(path string, truth tenant.Truth) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	lake, err := schema.Arrow(truth.Columns)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	var line []byte
	for row := range truth.Rows {
		line = append(line[:0], '{')
		for i, c := range truth.Columns {
			line = append(appendText(line, lake.Field(i).Name), ':')
			line = append(appendTruth(line, row.Cells[i], c.Type), ',')
		}
		line = append(appendText(line, schema.IngestionTime), ':')
		line = append(appendTicks(line, schema.ToTicks(row.Ingested)), '}', '\n')
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	return w.Flush()
}

// appendTruth writes one cell as JSON.
func appendTruth(b []byte, c tenant.Cell, apiType string) []byte {
	if c.Null {
		return append(b, "null"...)
	}
	switch apiType {
	case "SByte", "Boolean":
		return strconv.AppendBool(b, c.Int != 0)
	case "Int32", "Int64":
		return strconv.AppendInt(b, c.Int, 10)
	case "DateTime":
		return appendTicks(b, c.Int)
	case "Double":
		return appendDouble(b, c.Real)
	case "TimeSpan":
		return appendText(b, span(c.Int))
	}
	return appendText(b, c.Text)
}

// appendDouble writes what has no number in JSON as text; NaN becomes null, as in
// the lake.
func appendDouble(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "null"...)
	case math.IsInf(f, 1):
		return append(b, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(b, `"-Infinity"`...)
	}
	return strconv.AppendFloat(b, f, 'g', -1, 64)
}

func appendTicks(b []byte, ticks int64) []byte {
	b = append(b, '"')
	b = schema.FromTicks(ticks).AppendFormat(b, tickFormat)
	return append(b, '"')
}

func appendText(b []byte, s string) []byte {
	text, _ := json.Marshal(s) // a string always can
	return append(b, text...)
}

// span is Kusto's text of a time span: [-][d.]hh:mm:ss[.fffffff].
func span(ticks int64) string {
	sign, n := "", uint64(ticks)
	if ticks < 0 {
		sign, n = "-", -n
	}
	const second = uint64(time.Second / 100)
	days, rest := n/(86400*second), n%(86400*second)
	s := fmt.Sprintf("%02d:%02d:%02d", rest/(3600*second), rest/(60*second)%60, rest/second%60)
	if days > 0 {
		s = fmt.Sprintf("%d.%s", days, s)
	}
	if f := rest % second; f > 0 {
		s += fmt.Sprintf(".%07d", f)
	}
	return sign + s
}

// rowText is a row as text that is equal for equal rows: columns by name, null ones
// left out, since a lake has columns that only other rows fill.
type rowText struct {
	order []int // columns by name
	names []string
	buf   []byte
}

func newRowText(names []string) *rowText {
	r := &rowText{names: names, order: make([]int, len(names))}
	for i := range r.order {
		r.order[i] = i
	}
	slices.SortFunc(r.order, func(a, b int) int { return strings.Compare(names[a], names[b]) })
	return r
}

// row gives the text of one row; cell appends the JSON of a column.
func (r *rowText) row(cell func(b []byte, column int) []byte) []byte {
	r.buf = r.buf[:0]
	for _, i := range r.order {
		start := len(r.buf)
		r.buf = append(append(r.buf, r.names[i]...), '=')
		value := len(r.buf)
		r.buf = cell(r.buf, i)
		if string(r.buf[value:]) == "null" {
			r.buf = r.buf[:start]
			continue
		}
		r.buf = append(r.buf, '\n')
	}
	return r.buf
}
