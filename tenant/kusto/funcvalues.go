package kusto

import (
	"math"
	"strings"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/tenant/data"
	"hunting-exporter/tenant/kusto/syntax"
)

func negate(v data.Value) data.Value {
	if v.Kind != data.KindBool {
		return data.Value{}
	}
	return data.Bool(v.Int == 0)
}

func minus(a []data.Value) data.Value {
	v := a[0]
	if v.Kind == data.KindReal {
		return data.Real(-v.Float())
	}
	v.Int = -v.Int
	return v
}

func abs(a []data.Value) data.Value {
	if a[0].Kind != data.KindNull && a[0].Float() < 0 {
		return minus(a)
	}
	return a[0]
}

// bin rounds down to a multiple, below zero too.
func bin(v, w data.Value) data.Value {
	if v.Kind == data.KindNull || w.Kind == data.KindNull {
		return data.Value{}
	}
	if v.Kind == data.KindReal || w.Kind == data.KindReal {
		return data.Real(math.Floor(v.Float()/w.Float()) * w.Float())
	}
	width := w.Int
	if width <= 0 {
		return data.Value{}
	}
	if v.Kind == data.KindDatetime {
		v.Int = binTicks(v.Int, width)
	} else {
		v.Int = floor(v.Int, width)
	}
	return v
}

// binTicks rounds a datetime down; its bins count from year 1.
func binTicks(ticks, width int64) int64 { return floor(ticks+data.EpochTicks, width) - data.EpochTicks }

func floor(n, width int64) int64 { return n - data.FloorRest(n, width) }

func choose(a []data.Value) data.Value {
	if a[0].Truth() {
		return a[1]
	}
	return a[2]
}

func strcat(a []data.Value) data.Value {
	var b strings.Builder
	for _, v := range a {
		b.WriteString(v.String())
	}
	return data.String(b.String())
}

func coalesce(a []data.Value) data.Value {
	for _, v := range a {
		if v.Kind != data.KindNull && (v.Kind != data.KindString || v.Text != "") {
			return v
		}
	}
	return a[len(a)-1]
}

func substring(a []data.Value) data.Value {
	s := []rune(a[0].String())
	from := int(min(max(0, a[1].Int), int64(len(s))))
	s = s[from:]
	if len(a) == 3 {
		s = s[:min(max(0, a[2].Int), int64(len(s)))]
	}
	return data.String(string(s))
}

func extreme(a []data.Value, sign int) data.Value {
	out := a[0]
	for _, v := range a[1:] {
		if c, ok := data.Compare(v, out); !ok && out.Kind == data.KindNull || ok && c == sign {
			out = v
		}
	}
	return out
}

func arrayLength(a []data.Value) data.Value {
	list, ok := isArray(a[0])
	if !ok {
		return data.Value{}
	}
	return data.Long(int64(len(list)))
}

// hash is xxhash64 of the text; with a modulus it is 0 to n-1. Null hashes too, so
// that the slices of a table are complete together.
func hash(a []data.Value) data.Value {
	h := data.XXHash64(a[0].String())
	if len(a) == 1 {
		return data.Long(int64(h))
	}
	if a[1].Int <= 0 {
		return data.Value{}
	}
	return data.Long(int64(h % uint64(a[1].Int)))
}

// ticksOf is the periods that are always as long; the others are months.
var (
	ticksOf = map[string]int64{
		"week": 7 * data.TickDay, "day": data.TickDay, "hour": data.TickHour, "minute": data.TickMinute, "second": data.TickSecond,
		"millisecond": data.TickSecond / 1000, "microsecond": data.TickSecond / 1_000_000,
	}
	monthsOf = map[string]int64{"month": 1, "quarter": 3, "year": 12}
)

// byPeriod compiles datetime_add and datetime_diff.
func (e *env) byPeriod(n syntax.Call, rel *Relation) (*expr, error) {
	if len(n.Args) != 3 {
		return nil, semanticError("%s(): %d arguments are not what it takes", n.Name, len(n.Args))
	}
	period, ok := onlyText(n.Args[:1])
	period = strings.ToLower(period)
	if ok = ok && (ticksOf[period] != 0 || monthsOf[period] != 0); !ok {
		return nil, semanticError("%s(): the expression must be one of the values: year, quarter, month, week, day, hour, minute, second, millisecond or microsecond", n.Name)
	}
	a, err := e.expr(n.Args[1], rel)
	if err != nil {
		return nil, err
	}
	b, err := e.expr(n.Args[2], rel)
	if err != nil {
		return nil, err
	}
	add := n.Name == "datetime_add"
	if b.kind != data.KindDatetime || add && a.kind != data.KindLong && a.kind != data.KindInt || !add && a.kind != data.KindDatetime {
		return nil, semanticError("%s(): it does not take %s and %s", n.Name, a.kind, b.kind)
	}
	k, of := data.KindLong, datetimeDiff
	if add {
		k, of = data.KindDatetime, datetimeAdd
	}
	return folded(&expr{kind: k, eval: func(r *Row) data.Value {
		x, y := a.eval(r), b.eval(r)
		if x.Kind == data.KindNull || y.Kind == data.KindNull {
			return data.Value{}
		}
		return of(period, x.Int, y.Int)
	}}, a, b), nil
}

// datetimeAdd is null beyond the years 1 to 9999. The day of a month that has none such is
// its last.
func datetimeAdd(period string, n, ticks int64) data.Value {
	const most = int64(10_000 * 366) // days
	if size := ticksOf[period]; size != 0 {
		if n > most*data.TickDay/size || n < -most*data.TickDay/size {
			return data.Value{}
		}
		return inRange(ticks + n*size)
	}
	if n > most || n < -most {
		return data.Value{}
	}
	t := schema.FromTicks(ticks)
	first := time.Date(t.Year(), t.Month()+time.Month(n*monthsOf[period]), 1, 0, 0, 0, 0, time.UTC)
	day := min(t.Day(), first.AddDate(0, 1, -1).Day())
	if year := first.Year(); year < 1 || year > 9999 {
		return data.Value{}
	}
	return inRange(schema.ToTicks(first.AddDate(0, 0, day-1)) + data.FloorRest(ticks, data.TickDay))
}

func inRange(ticks int64) data.Value {
	if year := schema.FromTicks(ticks).Year(); year < 1 || year > 9999 {
		return data.Value{}
	}
	return data.Datetime(ticks)
}

// datetimeDiff counts the beginnings of a period that lie between; a week begins on Sunday.
func datetimeDiff(period string, a, b int64) data.Value {
	months := func(ticks int64) int64 {
		t := schema.FromTicks(ticks)
		return int64(t.Year())*12 + int64(t.Month()) - 1
	}
	if size := monthsOf[period]; size != 0 {
		return data.Long(months(a)/size - months(b)/size)
	}
	size, shift := ticksOf[period], data.EpochTicks
	if period == "week" {
		shift += data.TickDay
	}
	return data.Long((floor(a+shift, size) - floor(b+shift, size)) / size)
}
