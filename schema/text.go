package schema

import (
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// TextDictionary is the Arrow type of a text column whose values repeat.
var TextDictionary = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}

// Text reads a text column, whether it is plain or has a dictionary. It refers to the
// array's memory and keeps no reference.
type Text struct {
	offsets []int32
	data    []byte
	index   []int32 // of each row in the dictionary; nil: the column is plain
}

// TextOf returns the text of a column; ok is false for a column of another type.
func TextOf(a arrow.Array) (t Text, ok bool) {
	values := a
	if d, dictionary := a.(*array.Dictionary); dictionary {
		indices, isInt32 := d.Indices().(*array.Int32)
		if !isInt32 {
			return t, false
		}
		t.index, values = indices.Int32Values(), d.Dictionary()
	}
	s, ok := values.(*array.String)
	if !ok {
		return t, false
	}
	t.offsets = s.ValueOffsets()
	if buffer := s.Data().Buffers()[2]; buffer != nil {
		t.data = buffer.Bytes()
	}
	return t, true
}

// Value returns the text at row i, valid as long as the array is; that of a null row
// means nothing.
func (t *Text) Value(i int) []byte {
	if t.index != nil {
		i = int(t.index[i])
	}
	return t.data[t.offsets[i]:t.offsets[i+1]]
}

// String is Value as a string that shares the array's memory.
func (t *Text) String(i int) string {
	b := t.Value(i)
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// Run is the text of the rows of a plain column from one to before another: one after the
// other, and where each begins and ends in data.
func (t *Text) Run(from, to int) (offsets []int32, data []byte) {
	return t.offsets[from : to+1], t.data
}

// Index is each row's place in the dictionary; nil: the column is plain.
func (t *Text) Index() []int32 { return t.index }

// Distinct is the number of entries of the dictionary, or of rows of a plain column.
func (t *Text) Distinct() int { return max(0, len(t.offsets)-1) }

// Entry returns entry i of the dictionary, or row i of a plain column.
func (t *Text) Entry(i int) []byte { return t.data[t.offsets[i]:t.offsets[i+1]] }

// Plain is the type of a column whether or not it has a dictionary.
func Plain(t arrow.DataType) arrow.DataType {
	if arrow.TypeEqual(t, TextDictionary) {
		return arrow.BinaryTypes.String
	}
	return t
}

// Find returns rec's column of that name in the API; nil if there is none. Of several,
// which are of different types, it is the one that the rows' own answer had.
func Find(rec arrow.Record, name string) arrow.Array {
	var found arrow.Array
	for i, f := range rec.Schema().Fields() {
		if APIName(f) != name {
			continue
		}
		if a := rec.Column(i); found == nil || found.NullN() == found.Len() {
			found = a
		}
	}
	return found
}
