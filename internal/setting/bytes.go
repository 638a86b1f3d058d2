package setting

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Bytes is an amount of memory, written as a number with a unit: 256MiB, 1GiB, 500MB.
type Bytes int64

// UnmarshalText reads an amount. Its unit may lack the B, as Kubernetes writes it; without a
// unit it is in bytes.
func (b *Bytes) UnmarshalText(text []byte) error {
	number, base, power := strings.TrimSuffix(strings.TrimSpace(string(text)), "B"), 1000.0, 0
	rest, binary := strings.CutSuffix(number, "i")
	if binary {
		number, base = rest, 1024
	}
	if last := len(number) - 1; last >= 0 {
		if power = strings.IndexByte("KMGT", number[last]) + 1; power > 0 {
			number = number[:last]
		}
	}
	size := math.Pow(base, float64(power))
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || binary && power == 0 || !(n >= 0 && n*size < math.MaxInt64) {
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
