package schema

import (
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// Evolution is the columns that a dataset has had so far: those of every answer, in the
// order in which they came up. It only grows, so that two schemas arriving in turn end in
// one; a column whose type changes is one more column, and the API's name of both is kept.
type Evolution struct {
	columns []Column
	fields  []arrow.Field
}

// Evolve begins with the columns known from before.
func Evolve(known []Column) (*Evolution, error) {
	e := &Evolution{columns: slices.Clone(known)}
	return e, e.name()
}

func (e *Evolution) name() (err error) {
	e.fields, err = fieldsOf(e.columns)
	return err
}

// Columns returns the columns so far; they must not be changed.
func (e *Evolution) Columns() []Column { return slices.Clip(e.columns) }

// Fit returns rec in the columns so far, extended by those of rec that are new, which are
// returned too. What rec lacks is null. The caller releases both records.
func (e *Evolution) Fit(rec arrow.Record) (fitted arrow.Record, added []Column, err error) {
	own := Columns(rec.Schema())
	at := make([]int, 0, len(own)) // of rec's columns in e
	for _, c := range own {
		i := slices.Index(e.columns, c)
		if i < 0 {
			i = len(e.columns)
			e.columns = append(e.columns, c)
			added = append(added, c)
		}
		if slices.Contains(at, i) {
			return nil, nil, fmt.Errorf("column %q occurs twice: project it under two names", c.Name)
		}
		at = append(at, i)
	}
	if len(added) > 0 || len(e.fields) != len(e.columns) {
		if err := e.name(); err != nil {
			return nil, nil, err
		}
	}
	fields := slices.Clone(e.fields)
	arrays := make([]arrow.Array, len(fields))
	for i, to := range at {
		arrays[to] = rec.Column(i)
		fields[to].Type = arrays[to].DataType() // its dictionary
	}
	for i, a := range arrays {
		if a == nil {
			null := nulls(fields[i].Type, int(rec.NumRows()))
			defer null.Release()
			arrays[i] = null
		}
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), arrays, rec.NumRows()), added, nil
}

// nulls is a column of n nulls.
func nulls(t arrow.DataType, n int) arrow.Array {
	if arrow.TypeEqual(t, DateTime) {
		storage := array.MakeArrayOfNull(memory.DefaultAllocator, arrow.PrimitiveTypes.Int64, n)
		defer storage.Release()
		return array.NewExtensionArrayWithStorage(DateTime, storage)
	}
	return array.MakeArrayOfNull(memory.DefaultAllocator, t, n)
}
