package ledger

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/zeebo/xxh3"

	"hunting-exporter/schema"
)

// Key tells a row apart from others, for as long as late rows are looked for.
type Key struct {
	Bin int64    // number of the bin that holds the row's clock value
	ID  [16]byte // of the clock value and the identity, or of every cell where there is none
	Tag uint64   // of every cell; only to tell rows of equal ID apart
}

// compareIDs orders keys by ID and Tag.
func compareIDs(a, b Key) int {
	if x, y := a.prefix(), b.prefix(); x != y { // almost always
		return cmp.Compare(x, y)
	}
	if c := bytes.Compare(a.ID[:], b.ID[:]); c != 0 {
		return c
	}
	return cmp.Compare(a.Tag, b.Tag)
}

// prefix is the first half of the ID.
func (k Key) prefix() uint64 { return binary.BigEndian.Uint64(k.ID[:8]) }

// What an ID is made of. Stored runs outlive the exporter that wrote them: these bytes,
// and those of cells, must stay as they are.
const (
	ofIdentity = 'i'
	ofContent  = 'c'
	ofReject   = 'r'
)

// The classes of cells. An Int32 column that grows to Int64 keeps its rows' IDs.
const (
	cellNull byte = iota
	cellInt
	cellDouble
	cellBool
	cellTime
	cellText
)

// Keyer makes the keys of a dataset's rows. It is not safe for concurrent use.
type Keyer struct {
	clock    string
	identity []string // sorted, so that the catalogue may list them in another order
	text     []byte   // of which an ID is the hash; for reuse
}

// NewKeyer makes a Keyer for rows whose clock is the column of that name and which the
// identity columns, if any, tell apart. All names are the API's.
func NewKeyer(clock string, identity []string) *Keyer {
	names := slices.Clone(identity)
	slices.Sort(names)
	return &Keyer{clock: clock, identity: slices.Compact(names)}
}

// Keys appends the keys of rec's rows to into. content has each row's hash over every
// cell; it stands for the identity where there are no identity columns or the record
// lacks one of them. A row without a clock value is put into the bin of fallback.
func (k *Keyer) Keys(rec arrow.Record, content [][16]byte, fallback time.Time, into []Key) []Key {
	clock := clockOf(schema.Find(rec, k.clock))
	cells := k.cells(rec)
	into = slices.Grow(into, int(rec.NumRows()))
	for i := range int(rec.NumRows()) {
		key := Key{Tag: binary.BigEndian.Uint64(content[i][:])}
		text := k.text[:0]
		if cells == nil {
			text = append(text, ofContent)
		} else {
			text = append(text, ofIdentity)
		}
		if ticks, ok := clock(i); ok {
			key.Bin = numberOf(ticks)
			text = appendFixed(text, cellTime, uint64(ticks))
		} else {
			key.Bin = Number(fallback)
			text = append(text, cellNull)
		}
		for _, cell := range cells {
			text = cell(text, i)
		}
		if cells == nil {
			text = append(text, content[i][:]...)
		}
		key.ID = xxh3.Hash128(text).Bytes()
		k.text = text
		into = append(into, key)
	}
	return into
}

// cells returns what appends the cells of each identity column; nil if one is missing.
func (k *Keyer) cells(rec arrow.Record) []appendCell {
	var cells []appendCell
	for _, name := range k.identity {
		col := schema.Find(rec, name)
		if col == nil {
			return nil
		}
		cells = append(cells, cellsOf(col))
	}
	return cells
}

// clockOf returns what reads a column's ticks; nothing has any if it is no DateTime.
func clockOf(col arrow.Array) func(i int) (ticks int64, ok bool) {
	times, ok := col.(*schema.DateTimeArray)
	if !ok {
		return func(int) (int64, bool) { return 0, false }
	}
	ticks := times.Ticks()
	return func(i int) (int64, bool) { return ticks[i], times.IsValid(i) }
}

// appendCell appends cell i in a form that says its class and where it ends.
type appendCell func(dst []byte, i int) []byte

func cellsOf(col arrow.Array) appendCell {
	var value appendCell
	switch col := col.(type) {
	case *schema.DateTimeArray:
		ticks := col.Ticks()
		value = func(dst []byte, i int) []byte { return appendFixed(dst, cellTime, uint64(ticks[i])) }
	case *array.Int32:
		value = func(dst []byte, i int) []byte { return appendFixed(dst, cellInt, uint64(col.Value(i))) }
	case *array.Int64:
		value = func(dst []byte, i int) []byte { return appendFixed(dst, cellInt, uint64(col.Value(i))) }
	case *array.Float64:
		value = func(dst []byte, i int) []byte { return appendFixed(dst, cellDouble, math.Float64bits(col.Value(i))) }
	case *array.Boolean:
		value = func(dst []byte, i int) []byte {
			if col.Value(i) {
				return append(dst, cellBool, 1)
			}
			return append(dst, cellBool, 0)
		}
	default:
		value = func(dst []byte, i int) []byte { return appendText(dst, col.ValueStr(i)) }
		if text, ok := schema.TextOf(col); ok {
			value = func(dst []byte, i int) []byte { return appendText(dst, text.String(i)) }
		}
	}
	if col.NullN() == 0 {
		return value
	}
	return func(dst []byte, i int) []byte {
		if col.IsNull(i) {
			return append(dst, cellNull)
		}
		return value(dst, i)
	}
}

func appendFixed(dst []byte, class byte, value uint64) []byte {
	return binary.LittleEndian.AppendUint64(append(dst, class), value)
}

func appendText(dst []byte, text string) []byte {
	return append(appendFixed(dst, cellText, uint64(len(text))), text...)
}

// RejectKey is the key of a row that could not be converted, of its raw JSON. It goes
// into the bin of its clock column if that can be read, else into that of fallback.
func RejectKey(raw []byte, clock string, fallback time.Time) Key {
	text := append(make([]byte, 0, 1+len(raw)), ofReject)
	return Key{
		Bin: Number(rawTime(raw, clock, fallback)),
		ID:  xxh3.Hash128(append(text, raw...)).Bytes(),
	}
}

// cellOf is a row's cell of that name, or else the only one whose name differs by case.
func cellOf(row map[string]json.RawMessage, field string) (cell json.RawMessage) {
	if exact, ok := row[field]; ok {
		return exact
	}
	for name, c := range row {
		switch {
		case !strings.EqualFold(name, field):
		case cell != nil:
			return nil
		default:
			cell = c
		}
	}
	return cell
}

// rawTime reads the time in one field of a row's JSON.
func rawTime(raw []byte, field string, fallback time.Time) time.Time {
	var row map[string]json.RawMessage
	var text string
	if json.Unmarshal(raw, &row) != nil || json.Unmarshal(cellOf(row, field), &text) != nil {
		return fallback
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} { // both take a fraction
		if at, err := time.Parse(layout, text); err == nil {
			return at
		}
	}
	return fallback
}
