package s3

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/parquet-go/parquet-go"

	"hunting-exporter/schema"
)

const (
	// sampleRows is how many rows of the first batch decide on a column's encoding.
	sampleRows = 4096
	// fewRows is a sample too small to tell that a column does not repeat.
	fewRows = 64
	// longCell is the length from which minimum and maximum cost more than they spare.
	longCell = 1024
	// bloomBits a value make about one false answer in a hundred.
	bloomBits = 10
)

// layout is how the columns of an attempt are stored: chosen once from the first
// batch, the same for all of its files.
type layout struct {
	schema  *arrow.Schema
	columns []column
	parquet *parquet.Schema
	options []parquet.WriterOption
}

type column struct {
	field      arrow.Field
	timestamp  string // unit of a time column
	dictionary bool
	bloom      bool
	unbounded  bool // text without minimum and maximum
}

func newLayout(rec arrow.Record, cfg Config) (*layout, error) {
	l := &layout{schema: rec.Schema()}
	bloom := bloomColumns(rec.Schema(), cfg.Bloom)
	seen := map[string]bool{}
	fields := make([]parquet.Field, 0, rec.NumCols())
	var filters []parquet.BloomFilterColumn
	for i, f := range rec.Schema().Fields() {
		if seen[f.Name] {
			return nil, fmt.Errorf("column %s appears twice", f.Name)
		}
		seen[f.Name] = true
		f.Type = schema.Plain(f.Type)
		c := column{field: f, timestamp: cfg.Timestamp}
		switch f.Type.ID() {
		case arrow.STRING:
			c.sample(rec.Column(i))
			c.bloom = slices.Contains(bloom, f.Name)
		case arrow.INT64, arrow.INT32:
			c.bloom = slices.Contains(bloom, f.Name)
		}
		node, err := c.node()
		if err != nil {
			return nil, err
		}
		fields = append(fields, namedNode{Node: node, name: f.Name})
		if c.bloom {
			filters = append(filters, parquet.SplitBlockFilter(bloomBits, f.Name))
		}
		if c.unbounded {
			l.options = append(l.options, parquet.SkipPageBounds(f.Name))
		}
		l.columns = append(l.columns, c)
	}
	l.options = append(l.options, parquet.BloomFilters(filters...)) // given twice, the last would count
	l.parquet = parquet.NewSchema("hunting", rootNode{fields: fields})
	return l, nil
}

func bloomColumns(s *arrow.Schema, chosen []string) []string {
	if len(chosen) > 0 {
		names := make([]string, len(chosen))
		for i, name := range chosen {
			names[i] = strings.TrimSpace(name)
		}
		return names // "none" is no column's name
	}
	var names []string
	for _, f := range s.Fields() {
		if !schema.Dynamic(schema.APIType(f)) {
			names = append(names, f.Name)
		}
	}
	return schema.BloomColumns(names)
}

// sample chooses the encoding of a text column. The choice is made before writing
// and never given up later: parquet-go loses bloom filter entries when a
// dictionary overflows into plain pages. A dictionary that does not pay costs at
// most the distinct values of one row group.
func (c *column) sample(a arrow.Array) {
	text, _ := schema.TextOf(a)
	for i := range text.Distinct() {
		if len(text.Entry(i)) > longCell {
			c.unbounded = true
			return
		}
	}
	if schema.Dynamic(schema.APIType(c.field)) {
		c.unbounded = true
		return
	}
	step := max(1, a.Len()/sampleRows)
	distinct := map[string]struct{}{}
	values := 0
	for i := 0; i < a.Len(); i += step {
		if a.IsValid(i) {
			distinct[text.String(i)] = struct{}{}
			values++
		}
	}
	c.dictionary = values < fewRows || 2*len(distinct) <= values
}

// node gives every column an explicit encoding: parquet-go's own default for text
// is one that some readers misread.
func (c *column) node() (parquet.Node, error) {
	var leaf parquet.Node
	switch c.field.Type.ID() {
	case arrow.BOOL:
		leaf = parquet.Leaf(parquet.BooleanType)
	case arrow.INT32:
		leaf = parquet.Leaf(parquet.Int32Type)
	case arrow.INT64:
		leaf = parquet.Leaf(parquet.Int64Type)
	case arrow.FLOAT64:
		leaf = parquet.Leaf(parquet.DoubleType)
	case arrow.STRING:
		leaf = parquet.String()
		if c.unbounded {
			leaf = parquet.Leaf(unboundedText{Type: leaf.Type()})
		}
	case arrow.EXTENSION:
		if !arrow.TypeEqual(c.field.Type, schema.DateTime) {
			return nil, fmt.Errorf("column %s has type %s, which no Parquet type is defined for", c.field.Name, c.field.Type)
		}
		leaf = parquet.Timestamp(parquet.Microsecond)
		if c.timestamp == nanoseconds {
			leaf = parquet.Timestamp(parquet.Nanosecond)
		}
	default:
		return nil, fmt.Errorf("column %s has type %s, which no Parquet type is defined for", c.field.Name, c.field.Type)
	}
	if c.dictionary {
		return parquet.Optional(parquet.Encoded(leaf, &parquet.RLEDictionary)), nil
	}
	return parquet.Optional(parquet.Encoded(leaf, &parquet.Plain)), nil
}
