package transform_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every byte at every place of a time: what is no digit, or not the sign that belongs
// there, rejects the row.
func TestEveryByteOfATime(t *testing.T) {
	const good = "2026-01-12T13:14:15.1234567Z"
	var rows []string
	var want [][]string
	for i := range good {
		for c := 0x20; c < 0x100; c++ {
			if c == '"' || c == '\\' {
				continue
			}
			row := `"` + good[:i] + string([]byte{byte(c)}) + good[i+1:] + `"`
			if cell, ok := (oracle{}).cell("DateTime", []byte(row)); ok {
				want = append(want, []string{cell})
			}
			rows = append(rows, `{"T":`+row+`}`)
		}
	}
	batch := turn(t, legacy("T DateTime", strings.Join(rows, ",")))
	if diff := cmp.Diff(want, cells(batch.Record)); diff != "" || len(rows) != len(want)+len(batch.Rejects) {
		t.Errorf("%d rows, %d rejects (-want +got):\n%s", len(rows), len(batch.Rejects), diff)
	}
}
