package readers_test

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/tenant"
)

var (
	ints     = []any{int64(math.MinInt64), int64(math.MaxInt64), int64(0), int64(-1), nil, int64(1 << 53), int64(1<<53 + 1)}
	smalls   = []any{int64(math.MinInt32), int64(math.MaxInt32), int64(0), nil, int64(-1)}
	doubles  = []any{math.Inf(1), math.Inf(-1), math.Copysign(0, -1), 0.0, math.NaN(), nil, math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, 0.1, -5e-1}
	oddTexts = []string{
		"", " ", "\x00", "a\x00b", "\"quoted\\\"", "'; --", "\t\n\r\b\f\x01\x1f\x7f", "😀🧵", "\U0010FFFF", "\uffff", "é\u2028\u2029", "\\N", "null", "{}", "NaN", "\ufeff",
		strings.Repeat("x", 64), strings.Repeat("x", 65), strings.Repeat("é", 40), strings.Repeat("\U0010FFFF", 17),
	}
	years = []time.Time{
		time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_900, time.UTC),
		time.Date(1582, 10, 10, 1, 2, 3, 100, time.UTC), time.Date(1677, 9, 21, 0, 0, 0, 0, time.UTC), time.Date(2262, 4, 12, 0, 0, 0, 100, time.UTC),
		time.Date(1899, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	nearYears = []time.Time{
		time.Date(1677, 9, 21, 0, 12, 43, 145_224_200, time.UTC), time.Date(2262, 4, 11, 23, 47, 16, 854_775_800, time.UTC),
		time.Date(1969, 12, 31, 23, 59, 59, 999_999_900, time.UTC), time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC),
	}
)

// of is the i-th of a cycle.
func of[T any](all []T, i int) T { return all[i%len(all)] }

// odd are tables of what is easily lost, one for each unit of time.
var odd = sync.OnceValues(func() ([]*table, error) {
	var all []*table
	for unit, rare := range map[string][]time.Time{"us": years, "ns": nearYears} {
		t, err := custom("Odd_"+unit, unit, oddColumns, oddRows(rare), "PARQUET_ROW_GROUP_ROWS=700")
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
})

var oddColumns = []schema.Column{
	{Name: "Timestamp", Type: "DateTime"},
	{Name: "Id", Type: "Int64"},
	{Name: "Big", Type: "Int64"},
	{Name: "Small", Type: "Int32"},
	{Name: "Real", Type: "Double"},
	{Name: "Flag", Type: "SByte"},
	{Name: "Word", Type: "String"},
	{Name: "Text", Type: "String"},
	{Name: "Long", Type: "String"},
	{Name: "When", Type: "DateTime"},
	{Name: "Document", Type: "Object"},
	{Name: "Guid", Type: "Guid"},
	{Name: "Money", Type: "SqlDecimal"},
	{Name: "NoText", Type: "Object"},
	{Name: "NoBig", Type: "Int64"},
	{Name: "NoSmall", Type: "Int32"},
	{Name: "NoReal", Type: "Double"},
	{Name: "NoFlag", Type: "SByte"},
	{Name: "NoWhen", Type: "DateTime"},
	{Name: "Late", Type: "Int64"},
	{Name: "LateText", Type: "Object"},
	{Name: "Mixed", Type: "String"}, // a dictionary pays at first, then it does not
}

func oddRows(rare []time.Time) []tenant.Row {
	const n = 1500
	digits := []int64{10_000_000, 1_000_000, 100_000, 10_000, 1000, 100, 10, 1} // ticks of the last digit
	rows := make([]tenant.Row, n)
	for i := range rows {
		at := dawn.Add(time.Duration(i) * 10 * time.Second)
		step := of(digits, i)
		at = schema.FromTicks((schema.ToTicks(at)/step + 1) * step)
		var when, late, lateText, flag any = of(rare, i), nil, nil, i%2 == 0
		if i%3 > 0 {
			when = at.Add(-time.Hour)
		}
		if i%7 == 0 {
			when, flag = nil, nil
		}
		if i > n-100 { // in the last row group alone
			late, lateText = int64(i), fmt.Sprintf(`{"late":%d}`, i)
		}
		long := ""
		switch {
		case i == 100:
			long = strings.Repeat("0123456😀", 10<<20/11)
		case i%500 == 7:
			long = strings.Repeat(fmt.Sprintf("%07d\x00", i), 1<<20/8)
		}
		mixed := "again and again"
		if i > n/2 {
			mixed = fmt.Sprint("only once ", i)
		}
		rows[i] = tenant.Row{Ingested: at.Add(time.Minute), Cells: []any{
			at, int64(i), of(ints, i), of(smalls, i), of(doubles, i), flag, of(oddTexts, i), fmt.Sprintf("%s%d", of(oddTexts, i), i), long, when,
			fmt.Sprintf(`{"a":[%d,"\"x\\",null,{"é":true}]}`, i), fmt.Sprintf("74be27de-1e4e-49d9-b579-fe0b%08x", i), "-12345678901234567890.123456789",
			nil, nil, nil, nil, nil, nil, late, lateText, mixed,
		}}
	}
	return rows
}
