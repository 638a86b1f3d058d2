package readers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestValues compares every cell that each reader gives with the tenant's.
func TestValues(t *testing.T) {
	tables := slices.Concat(must(t, catalogue), must(t, recordedTables), must(t, odd), must(t, keyed), must(t, probe))
	t.Run("arrow-go", func(t *testing.T) {
		t.Parallel()
		values(t, "arrow-go", tables, arrowGo)
	})
	each(t, everyProcess(), func(t *testing.T, r *reader) {
		tables := tables
		if r.slow { // one of the three flavours, whose files are alike
			tables = slices.DeleteFunc(slices.Clone(tables), func(t *table) bool { return strings.HasPrefix(t.name, "m365d ") || strings.HasPrefix(t.name, "mde ") })
		}
		values(t, r.name, tables, func(file, unit string) ([]column, error) { return r.table([]string{file}, unit) })
	})
}

func values(t *testing.T, reader string, tables []*table, read func(file, unit string) ([]column, error)) {
	t.Helper()
	failed := 0
	for _, want := range tables {
		got, err := inTurn(want.files, want.unit, read)
		if err == nil {
			err = difference(want, got, &pardon{t, reader, want})
		}
		if err != nil {
			t.Errorf("%s: %v", want.name, err)
			if failed++; failed == 5 {
				t.Fatal("no others are tried")
			}
		}
	}
	stillNeeded(t, reader)
}

// inTurn reads the files of a table one after the other.
func inTurn(files []string, unit string, read func(file, unit string) ([]column, error)) (all []column, err error) {
	for _, file := range files {
		columns, err := read(file, unit)
		if err != nil {
			return nil, err
		}
		if all == nil {
			all = columns
			continue
		}
		if a, b := names(all), names(columns); a != b {
			return nil, fmt.Errorf("the columns of one file are %s, of another %s", a, b)
		}
		for i, c := range columns {
			all[i].cells = append(all[i].cells, c.cells...)
		}
	}
	return all, nil
}

func everyProcess() (names []string) {
	for _, r := range processes {
		names = append(names, r.name)
	}
	return names
}

// difference tells how rows differ, in whatever order; nil if they do not.
// Types that are pardoned may be any.
func difference(want *table, got []column, p *pardon) error {
	if a, b := names(want.columns), names(got); a != b {
		return fmt.Errorf("the columns are %s, want %s", b, a)
	}
	for i, c := range got {
		if len(c.cells) != want.rows {
			return fmt.Errorf("%d rows, want %d", len(c.cells), want.rows)
		}
		if w := &want.columns[i]; c.kind != w.kind && !p.kind(w) {
			return fmt.Errorf("column %s is %s, want %s", c.name, c.kind, w.kind)
		}
	}
	if firstDifference(want, got, nil, nil) == nil {
		return nil // in the same order
	}
	return firstDifference(want, got, order(want.columns), order(got))
}

func names(columns []column) string {
	var all []string
	for _, c := range columns {
		all = append(all, c.name)
	}
	return strings.Join(all, " ")
}

// order sorts rows.
func order(columns []column) []int {
	rows := make([]int, len(columns[0].cells))
	for i := range rows {
		rows[i] = i
	}
	slices.SortFunc(rows, func(a, b int) int {
		for _, c := range columns {
			if d := strings.Compare(c.cells[a], c.cells[b]); d != 0 {
				return d
			}
		}
		return 0
	})
	return rows
}

func firstDifference(want *table, got []column, wantOrder, gotOrder []int) error {
	for row := range want.rows {
		w, g := row, row
		if wantOrder != nil {
			w, g = wantOrder[row], gotOrder[row]
		}
		for i := range want.columns {
			c := &want.columns[i]
			if a, b := c.cells[w], got[i].cells[g]; a != b {
				return fmt.Errorf("row %d, column %s (%s): %.120q, want %.120q", w, c.name, c.kind, b, a)
			}
		}
	}
	return nil
}
