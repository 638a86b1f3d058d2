// Package duck looks at Parquet files with DuckDB, an engine that shares no code
// with the exporter.
//
// It promises rows as text that compare equal exactly when DuckDB holds the values
// to be equal, null apart from every text.
package duck

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2" // the driver
)

// Null stands for null in a row; no value of a test is equal to it.
const Null = "␀"

// DB is a database in memory.
type DB struct{ db *sql.DB }

// Open opens a database that is closed with the test. Time is UTC.
func Open(t testing.TB) *DB {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatalf("open duckdb: %v", err)
	}
	// Settings and temporary tables belong to a connection.
	db.SetMaxOpenConns(1)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close duckdb: %v", err)
		}
	})
	d := &DB{db: db}
	// Nothing may be downloaded in a test.
	d.Exec(t, "SET autoinstall_known_extensions=false")
	d.Exec(t, "SET threads=2")
	d.Exec(t, "SET TimeZone='UTC'")
	return d
}

// Exec runs a statement.
func (d *DB) Exec(t testing.TB, statement string, args ...any) {
	t.Helper()
	if _, err := d.db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("duckdb: %s: %v", statement, err)
	}
}

// Table is the answer of a query, every value cast to text by DuckDB itself.
type Table struct {
	Columns []string
	Types   []string // DuckDB's names
	Rows    [][]string
}

// Query runs a query.
func (d *DB) Query(t testing.TB, query string, args ...any) Table {
	t.Helper()
	table, err := d.query(t, query, args)
	if err != nil {
		t.Fatalf("duckdb: %s: %v", query, err)
	}
	return table
}

func (d *DB) query(t testing.TB, query string, args []any) (Table, error) {
	var table Table
	described, err := d.db.QueryContext(t.Context(), "SELECT column_name, column_type FROM (DESCRIBE "+query+")", args...)
	if err != nil {
		return Table{}, err
	}
	defer described.Close()
	for described.Next() {
		var name, kind string
		if err := described.Scan(&name, &kind); err != nil {
			return Table{}, err
		}
		table.Columns, table.Types = append(table.Columns, name), append(table.Types, kind)
	}
	if err := described.Err(); err != nil {
		return Table{}, err
	}
	rows, err := d.db.QueryContext(t.Context(), "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM ("+query+")", args...)
	if err != nil {
		return Table{}, err
	}
	defer rows.Close()
	for rows.Next() {
		row, err := scan(rows, len(table.Columns))
		if err != nil {
			return Table{}, err
		}
		table.Rows = append(table.Rows, row)
	}
	return table, rows.Err()
}

func scan(rows *sql.Rows, columns int) ([]string, error) {
	cells, at := make([]sql.NullString, columns), make([]any, columns)
	for i := range cells {
		at[i] = &cells[i]
	}
	if err := rows.Scan(at...); err != nil {
		return nil, err
	}
	row := make([]string, columns)
	for i, c := range cells {
		if row[i] = Null; c.Valid {
			row[i] = c.String
		}
	}
	return row, nil
}

// Value is the answer of a query for one value, e.g. a count.
func (d *DB) Value(t testing.TB, query string, args ...any) string {
	t.Helper()
	table := d.Query(t, query, args...)
	if len(table.Rows) != 1 || len(table.Columns) != 1 {
		t.Fatalf("duckdb: %s: %d rows of %d columns, want one value", query, len(table.Rows), len(table.Columns))
	}
	return table.Rows[0][0]
}

// Parquet is a table function that reads files by path or glob, columns matched by
// name, to stand behind FROM. Folders like dt=2026-01-02 become columns of text if
// hive is set.
func Parquet(hive bool, globs ...string) string {
	quoted := make([]string, len(globs))
	for i, g := range globs {
		quoted[i] = "'" + strings.ReplaceAll(g, "'", "''") + "'"
	}
	return fmt.Sprintf("read_parquet([%s], union_by_name=true, hive_partitioning=%t, hive_types_autocast=false)",
		strings.Join(quoted, ", "), hive)
}

// Multiset counts equal rows.
func Multiset(rows [][]string) map[string]int {
	set := make(map[string]int, len(rows))
	for _, row := range rows {
		set[fmt.Sprintf("%q", row)]++
	}
	return set
}

// Difference tells how the multisets of rows differ, at most limit rows of each
// kind; it is empty if they do not.
func Difference(want, got [][]string, limit int) string {
	wanted, have := Multiset(want), Multiset(got)
	lost, more := minus(wanted, have), minus(have, wanted)
	if len(lost)+len(more) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d rows wanted, %d there\n", len(want), len(got))
	list(&b, "-", lost, limit)
	list(&b, "+", more, limit)
	return b.String()
}

func list(b *strings.Builder, sign string, rows []string, limit int) {
	for i, row := range rows {
		if i == limit {
			fmt.Fprintf(b, "%s … and %d others\n", sign, len(rows)-limit)
			return
		}
		fmt.Fprintf(b, "%s %s\n", sign, row)
	}
}

func minus(a, b map[string]int) []string {
	var rows []string
	for row, n := range a {
		if n > b[row] {
			rows = append(rows, fmt.Sprintf("%d× %s", n-b[row], row))
		}
	}
	slices.Sort(rows)
	return rows
}
