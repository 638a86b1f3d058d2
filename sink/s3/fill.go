package s3

import (
	"fmt"
	"math"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/parquet-go/parquet-go"

	"hunting-exporter/schema"
)

// filler turns the given rows of one column into Parquet values and says how many
// are null. There is one for each type: a value of another kind than its column's
// would be no error in parquet-go, but a wrong file.
type filler func(dst []parquet.Value, rows []int32) (nulls int, err error)

// fillers returns one filler a column. They refer to the record's memory.
func (l *layout) fillers(rec arrow.Record) ([]filler, error) {
	out := make([]filler, len(l.columns))
	for i, c := range l.columns {
		f, err := fillerOf(rec.Column(i), i, c)
		if err != nil {
			return nil, err
		}
		out[i] = f
	}
	return out, nil
}

func fillerOf(a arrow.Array, index int, c column) (filler, error) {
	switch a := a.(type) {
	case *array.Boolean:
		return fillWith(a, index, func(i int) parquet.Value { return parquet.BooleanValue(a.Value(i)) }), nil
	case *array.Int32:
		return fillWith(a, index, func(i int) parquet.Value { return parquet.Int32Value(a.Value(i)) }), nil
	case *array.Int64:
		return fillWith(a, index, func(i int) parquet.Value { return parquet.Int64Value(a.Value(i)) }), nil
	case *array.Float64:
		return fillDoubles(a, index), nil
	case *schema.DateTimeArray:
		if c.timestamp == nanoseconds {
			return fillNanoseconds(a, index, c.field.Name), nil
		}
		ticks := a.Ticks()
		return fillWith(a, index, func(i int) parquet.Value { return parquet.Int64Value(floorDiv(ticks[i], 10)) }), nil
	}
	if text, ok := schema.TextOf(a); ok {
		// It refers to the array's bytes; parquet-go copies them.
		return fillWith(a, index, func(i int) parquet.Value { return parquet.ByteArrayValue(text.Value(i)) }), nil
	}
	return nil, fmt.Errorf("column %s is held in a %T, which no Parquet type is defined for", c.field.Name, a)
}

func fillWith(a arrow.Array, index int, value func(i int) parquet.Value) filler {
	if a.NullN() == 0 { // as most columns are
		return func(dst []parquet.Value, rows []int32) (int, error) {
			for j, row := range rows {
				dst[j] = value(int(row)).Level(0, 1, index)
			}
			return 0, nil
		}
	}
	return func(dst []parquet.Value, rows []int32) (nulls int, err error) {
		for j, row := range rows {
			if a.IsNull(int(row)) {
				dst[j] = parquet.NullValue().Level(0, 0, index)
				nulls++
				continue
			}
			dst[j] = value(int(row)).Level(0, 1, index)
		}
		return nulls, nil
	}
}

// fillDoubles stores NaN as null: engines disagree on where NaN sorts, and prune by it.
func fillDoubles(a *array.Float64, index int) filler {
	return func(dst []parquet.Value, rows []int32) (nulls int, err error) {
		for j, row := range rows {
			if a.IsNull(int(row)) || math.IsNaN(a.Value(int(row))) {
				dst[j] = parquet.NullValue().Level(0, 0, index)
				nulls++
				continue
			}
			dst[j] = parquet.DoubleValue(a.Value(int(row))).Level(0, 1, index)
		}
		return nulls, nil
	}
}

// fillNanoseconds refuses times that 64 bits of nanoseconds cannot hold: null in
// their place would be a loss that nobody sees.
func fillNanoseconds(a *schema.DateTimeArray, index int, name string) filler {
	ticks := a.Ticks()
	fill := fillWith(a, index, func(i int) parquet.Value { return parquet.Int64Value(ticks[i] * 100) })
	return func(dst []parquet.Value, rows []int32) (int, error) {
		for _, row := range rows {
			if t := ticks[row]; a.IsValid(int(row)) && (t > math.MaxInt64/100 || t < math.MinInt64/100) {
				return 0, fmt.Errorf("column %s: the time %s does not fit nanoseconds; set PARQUET_TIMESTAMP=us",
					name, a.ValueStr(int(row)))
			}
		}
		return fill(dst, rows)
	}
}
