package ledger_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"hunting-exporter/pipeline/ledger"
)

func TestBinsOfTimes(t *testing.T) {
	for text, want := range map[string]int64{
		"1970-01-01T00:00:00Z":         0,
		"1970-01-01T00:14:59.9999999Z": 0,
		"1970-01-01T00:15:00Z":         1,
		"1969-12-31T23:59:59.9999999Z": -1,
		"1969-12-31T23:45:00Z":         -1,
		"1969-12-31T23:44:59.9999999Z": -2,
		"1970-01-01T01:00:00+01:00":    0,
	} {
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := ledger.Number(at); got != want {
			t.Errorf("%s is in bin %d, want %d", text, got, want)
		}
	}
}

func TestATimeIsInTheBinThatBeginsBeforeIt(t *testing.T) {
	first, last := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(first.Unix(), last.Unix()).Draw(t, "second"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns"))
		start := ledger.Start(ledger.Number(at))
		if at.Before(start) || !at.Before(start.Add(ledger.Width)) || start.Location() != time.UTC {
			t.Fatalf("%s is in the bin that begins at %s", at, start)
		}
	})
}
