package source

import (
	"fmt"
	"slices"
	"strconv"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
	"hunting-exporter/source/kql"
)

// countsOf reads the answer to a query of kql.Count: each leg's bins, in order.
func countsOf(a *hunting.Answer, legs int) ([][]hunting.Count, error) {
	if len(a.Rejects) > 0 {
		return nil, fmt.Errorf("row %s: %s", shorten(string(a.Rejects[0].Row)), a.Rejects[0].Reason)
	}
	all := make([][]hunting.Count, legs)
	for i := range int(a.Rows()) {
		leg, err := integer(a, kql.ColumnLeg, i)
		if err != nil {
			return nil, err
		}
		if leg < 0 || leg >= int64(legs) {
			return nil, fmt.Errorf("%s %d is none of %d", kql.ColumnLeg, leg, legs)
		}
		var c hunting.Count
		if c.Rows, err = integer(a, kql.ColumnRows, i); err != nil {
			return nil, err
		}
		if c.Rows < 0 {
			return nil, fmt.Errorf("%s %d is no count", kql.ColumnRows, c.Rows)
		}
		bins, ok := schema.Find(a.Record, kql.ColumnBin).(*schema.DateTimeArray)
		if !ok {
			return nil, fmt.Errorf("there is no column %s of times", kql.ColumnBin)
		}
		if bins.IsValid(i) {
			c.Start = bins.Value(i)
		}
		all[leg] = append(all[leg], c)
	}
	for _, bins := range all {
		slices.SortFunc(bins, func(a, b hunting.Count) int { return a.Start.Compare(b.Start) })
	}
	return all, nil
}

// integer reads a whole number of a row, whatever type the API gives the column.
func integer(a *hunting.Answer, name string, row int) (int64, error) {
	col := schema.Find(a.Record, name)
	if col == nil || col.IsNull(row) {
		return 0, fmt.Errorf("row %d has no %s", row, name)
	}
	n, err := strconv.ParseInt(col.ValueStr(row), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s %q is no whole number", name, shorten(col.ValueStr(row)))
	}
	return n, nil
}
