// Package rows fills tables: with rows that are made up from a seed, recorded or given.
package rows

import (
	"errors"
	"fmt"
	"math"
	"sort"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/tenant/data"
)

// Seed says what rows to make up. The same Seed gives the same rows.
type Seed struct {
	// Tables to put rows into; nil is every table of the catalogue.
	Tables []string
	// Rows is the number for each table.
	Rows int
	// From and To bound the event times. Both the same puts all rows into that one
	// tick. Zero is the 24 hours before now.
	From, To time.Time
	// Shape gives the rate of rows in the minute that begins at a time, compared with
	// other minutes; nil is a wave, denser by day than by night. See OfficeHours and
	// WithBursts.
	Shape func(at time.Time) float64
	// Seed tells one set of rows from another.
	Seed uint64
	// Lag gives the time from a row's event to its ingestion; nil is what has been
	// measured: a median of two minutes, some hours, a few below zero.
	Lag func(row int) time.Duration
	// Visible delays when queries see a row, counted from its ingestion; nil delays none.
	Visible func(row int) time.Duration
	// Duplicates makes every n-th row an exact copy of the one before; 0 is none.
	Duplicates int
}

// Complete judges a Seed and says what it leaves open.
func (s Seed) Complete(now time.Time) (Seed, error) {
	if s.Rows < 0 || s.Rows > math.MaxUint32 {
		return s, fmt.Errorf("seed: %d rows; use 0 to %d", s.Rows, uint32(math.MaxUint32))
	}
	if s.To.IsZero() {
		s.To = now
	}
	if s.From.IsZero() {
		s.From = s.To.Add(-24 * time.Hour)
	}
	if s.To.Before(s.From) {
		return s, fmt.Errorf("seed: the range ends at %v, before it begins at %v", s.To, s.From)
	}
	if s.Tables == nil {
		for _, known := range schema.Tables() {
			s.Tables = append(s.Tables, known.Name)
		}
	}
	for _, name := range s.Tables {
		if _, ok := schema.Lookup(name); !ok {
			return s, fmt.Errorf("seed table %q: not in the catalogue; use Add or LoadNDJSON for others", name)
		}
	}
	return s, nil
}

// MakeUp gives a table rows; each is made when it is asked for, so that millions cost a
// few bytes each.
func MakeUp(tbl *data.Table, s Seed) error {
	seg, err := newSeeded(tbl.Name, s)
	if err != nil {
		return err
	}
	seg.timeColumn = tbl.TimeColumn
	tbl.Segments = append(tbl.Segments, seg)
	return nil
}

// seeded is rows that are made from (seed, id) when asked for. Ids are in the order
// of event time but for what cutting fraction digits shifts.
type seeded struct {
	name       string
	timeColumn string
	seed       uint64
	n          int
	from, to   int64
	curve      *curve // nil for the wave
	duplicates int
	in         []int64 // by id; event times are cheap enough to make again
	visible    []int64 // see data.Segment
	inOrder    []uint32
	entities   *entities
}

func newSeeded(name string, s Seed) (*seeded, error) {
	g := &seeded{
		name: name, seed: mix(s.Seed ^ data.XXHash64(name)), n: s.Rows, from: schema.ToTicks(s.From), to: schema.ToTicks(s.To),
		duplicates: s.Duplicates, entities: entitiesOf(s.Seed),
	}
	if s.Shape != nil {
		var err error
		if g.curve, err = newCurve(g.from, g.to, s.Shape); err != nil {
			return nil, err
		}
	}
	lag := s.Lag
	if lag == nil {
		lag = g.usualLag
	}
	g.in = make([]int64, g.n)
	for id := range g.in {
		g.in[id] = g.moment(g.source(id)) + int64(lag(id)/100)
	}
	g.inOrder = sorted(g.in)
	if s.Visible != nil {
		g.visible = make([]int64, g.n)
		for id := range g.visible {
			g.visible[id] = g.in[id] + max(0, int64(s.Visible(id)/100))
		}
	}
	return g, nil
}

// mix is the finaliser of SplitMix64: every bit of x moves every bit of the result.
func mix(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

// unit turns a hash into a number in [0, 1).
func unit(h uint64) float64 { return float64(h>>11) / (1 << 53) }

func (g *seeded) hash(id int, salt uint64) uint64 { return mix(g.seed ^ mix(uint64(id)^salt<<40)) }

// source is the row whose cells a row has: its own, or for a duplicate those of the
// row before.
func (g *seeded) source(id int) int {
	if g.duplicates > 1 && id%g.duplicates == g.duplicates-1 {
		return id - 1
	}
	return id
}

const (
	saltTime uint64 = iota + 1
	saltDigits
	saltLag
	saltDevice
	saltAccount
	saltFile
	saltProcess
	saltColumn = 1 << 10
)

func (g *seeded) Rows() int { return g.n }

func (g *seeded) Event(id int) int64 {
	if g.timeColumn == "" {
		return data.NoTime
	}
	return g.moment(g.source(id))
}

// moment is when the row happened, also where its table does not say.
func (g *seeded) moment(id int) int64 {
	if g.from == g.to {
		return g.from
	}
	x := (float64(id) + unit(g.hash(id, saltTime))) / float64(g.n)
	at := g.from
	if g.curve != nil {
		at = g.curve.at(x)
	} else {
		at += wave(x, float64(g.to-g.from))
	}
	return max(g.from, cutDigits(min(at, g.to-1), g.hash(id, saltDigits)))
}

// wave gives where in a range of this width the share x of all rows lies.
func wave(x, width float64) int64 {
	x *= width
	// The wave is flatter than the line is steep, so that order stays; it is null at
	// both ends, so that the range stays.
	period := width / max(1, math.Round(width/float64(data.TickDay)))
	return int64(x + 0.6*period/(2*math.Pi)*math.Sin(2*math.Pi*x/period))
}

// cutDigits leaves as many fraction digits as are seen: mostly 7 or 6, often none.
func cutDigits(ticks int64, h uint64) int64 {
	shares := [...]uint64{17, 18, 20, 27, 30, 33, 57, 100} // percent with at most 0, 1, … digits
	digits, p := 0, h%100
	for p >= shares[digits] {
		digits++
	}
	step := int64(math.Pow10(7 - digits))
	return ticks - ticks%step
}

func (g *seeded) Ingested(id int) int64 { return g.in[id] }

func (g *seeded) Seen() []int64 { return g.visible }

// usualLag follows what has been measured: from half an hour before the event to
// 28 hours after it.
func (g *seeded) usualLag(id int) time.Duration {
	steps := [...]struct{ share, seconds float64 }{
		{0, -1768}, {0.02, 0}, {0.05, 24}, {0.5, 130}, {0.9, 736}, {0.97, 3649}, {0.997, 6 * 3600}, {1, 100_596},
	}
	u := unit(g.hash(id, saltLag))
	for i := 1; ; i++ {
		lo, hi := steps[i-1], steps[i]
		if u < hi.share {
			f := (u - lo.share) / (hi.share - lo.share)
			return time.Duration((lo.seconds + f*f*(hi.seconds-lo.seconds)) * float64(time.Second))
		}
	}
}

func (g *seeded) ByIngested(s data.Span) data.IDs { return data.Within(g.inOrder, g.n, s, g.Ingested) }

// ByEvent allows for the second that cutting fraction digits may shift a row by.
func (g *seeded) ByEvent(s data.Span) data.IDs {
	if g.timeColumn == "" {
		return data.IDs{Order: g.inOrder, N: g.n}
	}
	if s.From > data.Always.From {
		s.From -= data.TickSecond
	}
	if s.To < data.Always.To {
		s.To += data.TickSecond
	}
	return data.Within(nil, g.n, s, func(id int) int64 { return g.moment(g.source(id)) })
}

func (g *seeded) Accessor(c data.Column) func(id int) data.Value {
	if c.Name == g.timeColumn && c.Kind == data.KindDatetime {
		return func(id int) data.Value { return data.Datetime(g.Event(id)) }
	}
	salt := saltColumn + data.XXHash64(c.Name)%(1<<20)
	made := generatorOf(g.name, c)
	return func(id int) data.Value {
		id = g.source(id)
		return made(g, id, g.hash(id, salt))
	}
}

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
	for at := from; at < to; at += data.TickMinute {
		rate := shape(schema.FromTicks(at))
		if rate < 0 || math.IsNaN(rate) || math.IsInf(rate, 0) {
			return nil, errors.New("the shape gives a rate that is negative or no number")
		}
		sum += rate * float64(min(to-at, data.TickMinute))
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
	start := c.from + int64(i)*data.TickMinute
	share := (x - before) / (c.until[i] - before)
	return start + int64(share*float64(min(c.to-start, data.TickMinute)))
}
