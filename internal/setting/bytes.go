package setting

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Bytes is an amount of memory, written as a number with a unit: 256MiB, 1GiB, 500MB.
type Bytes int64

var units = []struct {
	suffix string
	size   float64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}}

// UnmarshalText reads an amount; without a unit it is in bytes.
func (b *Bytes) UnmarshalText(text []byte) error {
	number, size := strings.TrimSpace(string(text)), 1.0
	for _, u := range units {
		if rest, ok := strings.CutSuffix(number, u.suffix); ok {
			number, size = strings.TrimSpace(rest), u.size
			break
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || !(n >= 0 && n*size < math.MaxInt64) {
		return fmt.Errorf("%q is no amount of memory", text)
	}
	*b = Bytes(n * size)
	return nil
}

// String gives the amount in MiB where that is a whole number.
func (b Bytes) String() string {
	if b%(1<<20) != 0 {
		return strconv.FormatInt(int64(b), 10) + "B"
	}
	return strconv.FormatInt(int64(b>>20), 10) + "MiB"
}
