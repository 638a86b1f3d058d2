package ledger

import (
	"time"

	"hunting-exporter/schema"
)

// Width is how much of the clock a bin covers. Kusto's bin(clock, 15m) cuts at the
// same instants.
const Width = 15 * time.Minute

const (
	widthTicks   = int64(Width / 100) // a tick is 100 ns
	widthSeconds = int64(Width / time.Second)
)

// Number returns the number of the bin that holds t: whole Widths since 1970, rounded
// down, before 1970 too.
func Number(t time.Time) int64 { return numberOf(schema.ToTicks(t)) }

func numberOf(ticks int64) int64 {
	n := ticks / widthTicks
	if ticks%widthTicks < 0 {
		n--
	}
	return n
}

// Start returns when the bin of that number begins.
func Start(number int64) time.Time { return time.Unix(number*widthSeconds, 0).UTC() }

// after returns the number of the first bin that begins at t or later.
func after(t time.Time) int64 {
	n := Number(t)
	if Start(n).Before(t) {
		n++
	}
	return n
}
