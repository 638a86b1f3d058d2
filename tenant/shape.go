package tenant

import (
	"errors"
	"math"
	"sort"
	"time"

	"hunting-exporter/schema"
)

// OfficeHours is a Shape: on weekdays from 8 to 18 UTC five times the rate of the
// night, at weekends half of it.
func OfficeHours(at time.Time) float64 {
	at = at.UTC()
	switch day, hour := at.Weekday(), at.Hour(); {
	case day == time.Saturday || day == time.Sunday:
		return 0.5
	case hour >= 8 && hour < 18:
		return 5
	default:
		return 1
	}
}

const (
	burstLength = 4 * time.Minute
	burstFactor = 50
)

// WithBursts makes a Shape of another in which once in each stretch of length every,
// at a time that seed decides, the rate is 50 times as high for 4 minutes.
func WithBursts(shape func(at time.Time) float64, every time.Duration, seed uint64) func(at time.Time) float64 {
	every = max(every, burstLength)
	return func(at time.Time) float64 {
		stretch := at.UnixNano() / int64(every)
		starts := time.Duration(unit(mix(seed^uint64(stretch))) * float64(every-burstLength)).Truncate(time.Minute)
		if into := time.Duration(at.UnixNano()%int64(every)) - starts; into >= 0 && into < burstLength {
			return burstFactor * shape(at)
		}
		return shape(at)
	}
}

// curve spreads rows over a range minute by minute.
type curve struct {
	from, to int64
	// until is the weight of all minutes up to and with each.
	until []float64
}

func newCurve(from, to int64, shape func(time.Time) float64) (*curve, error) {
	c := &curve{from: from, to: to}
	sum := 0.0
	for at := from; at < to; at += tickMinute {
		rate := shape(schema.FromTicks(at))
		if rate < 0 || math.IsNaN(rate) || math.IsInf(rate, 0) {
			return nil, errors.New("the shape gives a rate that is negative or no number")
		}
		sum += rate * float64(min(to-at, tickMinute))
		c.until = append(c.until, sum)
	}
	if sum == 0 && to > from {
		return nil, errors.New("the shape leaves no minute to put rows into")
	}
	return c, nil
}

// at gives the moment up to which the share x of all rows lies. A minute without
// weight is never met.
func (c *curve) at(x float64) int64 {
	x *= c.until[len(c.until)-1]
	i := sort.Search(len(c.until), func(i int) bool { return c.until[i] > x })
	if i == len(c.until) {
		return c.to
	}
	before := 0.0
	if i > 0 {
		before = c.until[i-1]
	}
	start := c.from + int64(i)*tickMinute
	share := (x - before) / (c.until[i] - before)
	return start + int64(share*float64(min(c.to-start, tickMinute)))
}
