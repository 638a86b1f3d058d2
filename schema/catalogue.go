package schema

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

// One line a table: Microsoft's documentation, with what live tenants differ in.
//
//go:embed catalogue.json
var catalogueJSON []byte

// Table is what the catalogue knows of a hunting table. It is documentation, which
// the answers of a tenant may contradict; see the package comment.
type Table struct {
	Name string
	// Columns are in documented order. Type is a Kusto type here (datetime, string,
	// long…); APIColumns gives the names that answers use.
	Columns []Column
	// TimeColumn is the event's own time; empty: the table holds the current state
	// and is exported whole.
	TimeColumn string
	// Identity are the columns that together tell one row from every other; empty:
	// only the whole row does. It is set only where the documentation promises it.
	Identity []string
	// Slicing are columns of a table without a time column that identify what a row is
	// about and stay as they are while the table is read: slices of it, read one after
	// the other, are cut by their hash. Empty: the table has a time column.
	Slicing []string
	// Key is the column that keys Kafka events; empty: none.
	Key string
	// Notes are what to know of the table beyond its columns.
	Notes []string
}

// APIColumns returns the columns with the type names that answers use.
func (t Table) APIColumns() []Column {
	cols := make([]Column, len(t.Columns))
	for i, c := range t.Columns {
		cols[i] = Column{Name: c.Name, Type: FromKusto(c.Type)}
	}
	return cols
}

// ColumnNames returns the names of the columns in documented order.
func (t Table) ColumnNames() []string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	return names
}

// BloomColumns returns the columns worth a bloom filter; see BloomColumns.
func (t Table) BloomColumns() []string { return BloomColumns(t.ColumnNames()) }

// Lookup returns the table of that name; names are case sensitive, as in KQL.
// The slices of a Table are shared: read them only.
func Lookup(name string) (Table, bool) {
	tables := catalogue()
	i, ok := slices.BinarySearchFunc(tables, name, func(t Table, name string) int {
		return strings.Compare(t.Name, name)
	})
	if !ok {
		return Table{}, false
	}
	return tables[i], true
}

// Spelling returns the known table's name that differs from name in case only, or "".
func Spelling(name string) string {
	for _, t := range catalogue() {
		if t.Name != name && strings.EqualFold(t.Name, name) {
			return t.Name
		}
	}
	return ""
}

// Tables returns every known table, sorted by name.
func Tables() []Table { return slices.Clone(catalogue()) }

// The embedded file is part of the build, so a fault in it is a fault of the build;
// the tests read every line of it.
var catalogue = sync.OnceValue(func() []Table {
	var entries []struct {
		Name     string   `json:"name"`
		Time     string   `json:"time"`
		Identity []string `json:"identity"`
		Slicing  []string `json:"slicing"`
		Notes    []string `json:"notes"`
		Columns  string   `json:"columns"` // "Timestamp datetime, DeviceId string, …"
	}
	if err := json.Unmarshal(catalogueJSON, &entries); err != nil {
		panic("schema/catalogue.json: " + err.Error())
	}
	tables := make([]Table, 0, len(entries))
	for _, e := range entries {
		t := Table{Name: e.Name, TimeColumn: e.Time, Identity: e.Identity, Slicing: e.Slicing, Notes: e.Notes}
		for pair := range strings.SplitSeq(e.Columns, ", ") {
			name, kusto, _ := strings.Cut(pair, " ")
			t.Columns = append(t.Columns, Column{Name: name, Type: kusto})
		}
		t.Key = KeyColumn(t.ColumnNames())
		tables = append(tables, t)
	}
	return tables
})
