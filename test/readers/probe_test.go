package readers_test

import (
	"fmt"
	"sync"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/tenant"
)

// Rows of a row group of probe, and of a page at most.
const (
	groupRows = 22_000
	pageRows  = 20_480
)

// probe are tables of several row groups of several pages, with columns of every type
// whose bounds let a reader skip some of them, one for each unit of time.
var probe = sync.OnceValues(func() ([]*table, error) {
	var all []*table
	for unit, n := range map[string]int{"us": 48_000, "ns": 24_000} {
		t, err := custom("Probe_"+unit, unit, probeColumns, probeRows(n), fmt.Sprint("PARQUET_ROW_GROUP_ROWS=", groupRows), "PARQUET_BLOOM=Small,Big,Word,Name,Port,Size")
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
})

var probeColumns = []schema.Column{
	{Name: "Timestamp", Type: "DateTime"},
	{Name: "When", Type: "DateTime"},
	{Name: "Small", Type: "Int32"},
	{Name: "Big", Type: "Int64"},
	{Name: "Real", Type: "Double"},
	{Name: "Flag", Type: "SByte"},
	{Name: "Word", Type: "String"},
	{Name: "Name", Type: "String"},
	{Name: "Port", Type: "Int32"}, // this one, the next and Late repeat, and have dictionaries
	{Name: "Size", Type: "Int64"},
	{Name: "Late", Type: "Int64"},
	{Name: "LateText", Type: "Object"},
}

// probeRows rise with the time but for what is mixed in, with nulls and gaps.
func probeRows(n int) []tenant.Row {
	rows := make([]tenant.Row, n)
	for i := range rows {
		at := dawn.Add(time.Duration(i) * 300 * time.Millisecond).Add(100 * time.Nanosecond)
		var when, small, big, real, flag, port, late, lateText any
		if i%11 > 0 {
			when, small, big = at.Add(-time.Duration(i%50)*time.Hour), int64(i*4-100_000), int64(i)<<33-1<<48
			real = float64(i-20_000) / 8
			port = i/100*2 - 300
		}
		if i%13 > 0 {
			flag = i > 44_000 || i%5 == 0 && i > pageRows
		}
		if i >= 22_000 {
			late, lateText = int64(i/40*80), fmt.Sprintf(`{"n":%d}`, 1_000_000+i)
		}
		rows[i] = tenant.Row{Ingested: at.Add(time.Minute), Cells: []any{
			at, when, small, big, real, flag, fmt.Sprintf("word %c%d", 'a'+i/6000, i%40*2), fmt.Sprintf("name %06d 😀", i*7%60_000), port, int64(i/50)<<35 - 1<<43, late, lateText,
		}}
	}
	return rows
}
