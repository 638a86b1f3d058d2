package readers_test

import (
	"strings"
	"sync"
	"testing"
)

// exception is what a reader cannot do with these files. It must still be needed: a test
// in which it excuses nothing fails.
type exception struct {
	reader string
	reason string
	test   string // where it is needed

	table  func(t *table) bool            // tables that it does not read
	kind   func(t *table, c *column) bool // columns that it has another type for
	filter func(t *table, f filter) bool  // filters that it does not answer, or otherwise
	needed bool
}

var exceptions = []*exception{
	{
		reader: "Spark", test: "TestValues",
		reason: "refuses nanoseconds, unless spark.sql.legacy.parquet.nanosAsLong makes them whole numbers",
		kind:   func(t *table, c *column) bool { return c.kind == timestamp && t.unit == "ns" },
	},
	{
		reader: "fastparquet", test: "TestUnion",
		reason: "takes the columns of the first file for those of all",
		table:  func(*table) bool { return true },
	},
	{
		reader: "parquet-java", test: "TestFilters",
		reason: "has no order of booleans",
		filter: func(_ *table, f filter) bool { return f.Kind == boolean && (f.Op == "<" || f.Op == ">=") },
	},
	{
		reader: "parquet-java", test: "TestFilters",
		reason: "tells -0.0 from 0.0 in filters",
		filter: func(_ *table, f filter) bool {
			return f.Kind == double && f.Value != "" && bits(f.Value) == 0
		},
	},
}

var excusing sync.Mutex

// excuse finds the exception that suits and notes that it was needed.
func excuse(t *testing.T, reader string, suits func(e *exception) bool) bool {
	excusing.Lock()
	defer excusing.Unlock()
	for _, e := range exceptions {
		if e.reader == reader && strings.HasPrefix(t.Name(), e.test) && suits(e) {
			e.needed = true
			return true
		}
	}
	return false
}

// stillNeeded fails where the reader has become able to do what a test excused.
func stillNeeded(t *testing.T, reader string) {
	t.Helper()
	for _, e := range exceptions {
		if e.reader == reader && strings.HasPrefix(t.Name(), e.test) && !e.needed {
			t.Errorf("%s needs no exception any more (here and in docs/readers.md): %s", reader, e.reason)
		}
	}
}

// pardon finds exceptions for a table that a reader gives otherwise; nil has none.
type pardon struct {
	t      *testing.T
	reader string
	of     *table
}

func (p *pardon) kind(c *column) bool {
	return p != nil && excuse(p.t, p.reader, func(e *exception) bool { return e.kind != nil && e.kind(p.of, c) })
}
