package s3

import (
	"reflect"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// rootNode is a group that keeps the order of its fields; parquet.Group sorts them.
type rootNode struct {
	parquet.Group // empty: what a group is, but for its fields
	fields        []parquet.Field
}

// Fields returns the columns in the API's order.
func (r rootNode) Fields() []parquet.Field { return r.fields }

// String describes the node for people.
func (r rootNode) String() string { return "hunting rows" }

// namedNode is a column with its name.
type namedNode struct {
	parquet.Node
	name string
}

// Name is the column's name.
func (n namedNode) Name() string { return n.name }

// Value belongs to reading Go structs, which this package never does.
func (n namedNode) Value(base reflect.Value) reflect.Value {
	return base.MapIndex(reflect.ValueOf(n.name))
}

// unboundedText is the type of a text column that is written without bounds. With
// SkipPageBounds alone, parquet-go's page index claims that minimum and maximum of
// each page are the empty string, and readers that believe it skip pages that hold
// the value they look for. Its own indexer claims the widest bounds instead.
type unboundedText struct{ parquet.Type }

// NewColumnIndexer returns an indexer that every text is within the bounds of.
func (t unboundedText) NewColumnIndexer(sizeLimit int) parquet.ColumnIndexer {
	return &unboundedIndexer{ColumnIndexer: t.Type.NewColumnIndexer(sizeLimit)}
}

type unboundedIndexer struct{ parquet.ColumnIndexer }

// 0xFF is no byte of UTF-8 and so is above every text.
var lowest, highest = []byte{}, []byte{0xff}

// ColumnIndex widens the bounds of every page that holds values.
func (u *unboundedIndexer) ColumnIndex() format.ColumnIndex {
	index := u.ColumnIndexer.ColumnIndex()
	for i, null := range index.NullPages {
		if !null {
			index.MinValues[i], index.MaxValues[i] = lowest, highest
		}
	}
	// Pages of nulls only are left out of the order, all others are alike.
	index.BoundaryOrder = format.Ascending
	return index
}
