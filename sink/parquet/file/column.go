// Package file writes Parquet files column by column from slices.
//
// It guarantees that what is written is what was given, each row once, in the order asked
// for; that every bound in statistics and page index holds for all values; that every
// value is in its column's bloom filter; and that nothing of the file but its footer stays
// in memory. The formats of pages, headers and filters are parquet-go's packages; what is
// here is their assembly, which in parquet-go goes by single values.
package file

import (
	"fmt"
	"math"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// Kind is the type of a column.
type Kind byte

// The kinds. Every column is optional: any value may be null.
const (
	Bool Kind = iota
	Int32
	Int64
	Double
	Text
	TimestampMicros // since 1970, UTC
	TimestampNanos
)

// Column describes a column of a file.
type Column struct {
	Name  string
	Kind  Kind
	Bloom bool // it has a bloom filter in each row group
}

// Values are the values of one column of a row group, by row. Those of null rows mean
// nothing.
type Values struct {
	Valid []byte // 1 for each row that has a value, 0 for null; nil: none is null
	Nulls int

	Bools   []byte // 0 or 1
	Int32s  []int32
	Int64s  []int64 // timestamps too
	Doubles []float64
	// Text of each row or, with Index, of each entry of a dictionary: Bytes from Ends[i]
	// to Ends[i+1].
	Ends  []int32
	Bytes []byte
	Index []int32 // entry of each row; nil: there is no dictionary

	numbers []int64 // the dictionary of integers
}

// entries is how many entries the dictionary has.
func (v *Values) entries() int {
	if v.numbers != nil {
		return len(v.numbers)
	}
	return len(v.Ends) - 1
}

// check refuses columns of another length or type: nothing else would notice.
func (v *Values) check(k Kind, n int) error {
	have := len(v.Int64s)
	switch {
	case k == Bool:
		have = len(v.Bools)
	case k == Int32:
		have = len(v.Int32s)
	case k == Double:
		have = len(v.Doubles)
	case k == Text && v.Index != nil:
		have = len(v.Index)
	case k == Text:
		have = len(v.Ends) - 1
	}
	if have != n || v.Valid != nil && len(v.Valid) != n {
		return fmt.Errorf("%d values for %d rows", have, n)
	}
	return nil
}

// ascend: whether the rows ascend by the column, nulls last.
func (v *Values) ascend(r rows) bool {
	last, null := int64(math.MinInt64), false
	for i := r.from; i < r.to; i++ {
		row := r.at(i)
		switch {
		case v.null(row):
			null = true
		case null, v.Int64s[row] < last:
			return false
		default:
			last = v.Int64s[row]
		}
	}
	return true
}

func (k Kind) physical() format.Type {
	switch k {
	case Bool:
		return format.Boolean
	case Int32:
		return format.Int32
	case Double:
		return format.Double
	case Text:
		return format.ByteArray
	}
	return format.Int64
}

// elements is the schema as the footer has it: a root without a repetition type, which
// some readers refuse, and the columns in the order given.
func elements(columns []Column) []format.SchemaElement {
	all := []format.SchemaElement{{Name: "hunting", NumChildren: thrift.New(int32(len(columns)))}}
	for _, c := range columns {
		e := format.SchemaElement{
			Name:           c.Name,
			Type:           thrift.New(c.Kind.physical()),
			RepetitionType: thrift.New(format.Optional),
		}
		timestamp := func(unit format.TimeUnitValue) {
			e.LogicalType.Value = &format.TimestampType{IsAdjustedToUTC: true, Unit: format.TimeUnit{Value: unit}}
		}
		switch c.Kind {
		case Text: // with one of the two, some readers take it for bytes
			e.ConvertedType = thrift.New(deprecated.UTF8)
			e.LogicalType.Value = &format.StringType{}
		case TimestampMicros:
			e.ConvertedType = thrift.New(deprecated.TimestampMicros)
			timestamp(&format.MicroSeconds{})
		case TimestampNanos:
			timestamp(&format.NanoSeconds{})
		}
		all = append(all, e)
	}
	return all
}
