package tenant

import (
	"strings"
	"time"

	"hunting-exporter/schema"
)

// ticksOf is the periods that are always as long; the others are months.
var (
	ticksOf = map[string]int64{
		"week": 7 * tickDay, "day": tickDay, "hour": tickHour, "minute": tickMinute, "second": tickSecond,
		"millisecond": tickSecond / 1000, "microsecond": tickSecond / 1_000_000,
	}
	monthsOf = map[string]int64{"month": 1, "quarter": 3, "year": 12}
)

// byPeriod compiles datetime_add and datetime_diff.
func (e *env) byPeriod(n callNode, rel *relation) (*expr, error) {
	if len(n.args) != 3 {
		return nil, semanticError("%s(): %d arguments are not what it takes", n.name, len(n.args))
	}
	period, ok := onlyText(n.args[:1])
	period = strings.ToLower(period)
	if ok = ok && (ticksOf[period] != 0 || monthsOf[period] != 0); !ok {
		return nil, semanticError("%s(): the expression must be one of the values: year, quarter, month, week, day, hour, minute, second, millisecond or microsecond", n.name)
	}
	a, err := e.expr(n.args[1], rel)
	if err != nil {
		return nil, err
	}
	b, err := e.expr(n.args[2], rel)
	if err != nil {
		return nil, err
	}
	add := n.name == "datetime_add"
	if b.kind != kDatetime || add && a.kind != kLong && a.kind != kInt || !add && a.kind != kDatetime {
		return nil, semanticError("%s(): it does not take %s and %s", n.name, kinds[a.kind].kusto, kinds[b.kind].kusto)
	}
	k, of := kLong, datetimeDiff
	if add {
		k, of = kDatetime, datetimeAdd
	}
	return folded(&expr{kind: k, eval: func(r *row) value {
		x, y := a.eval(r), b.eval(r)
		if x.k == kNull || y.k == kNull {
			return value{}
		}
		return of(period, x.n, y.n)
	}}, a, b), nil
}

// datetimeAdd is null beyond the years 1 to 9999. The day of a month that has none such is
// its last.
func datetimeAdd(period string, n, ticks int64) value {
	const most = int64(10_000 * 366) // days
	if size := ticksOf[period]; size != 0 {
		if n > most*tickDay/size || n < -most*tickDay/size {
			return value{}
		}
		return inRange(ticks + n*size)
	}
	if n > most || n < -most {
		return value{}
	}
	t := schema.FromTicks(ticks)
	first := time.Date(t.Year(), t.Month()+time.Month(n*monthsOf[period]), 1, 0, 0, 0, 0, time.UTC)
	day := min(t.Day(), first.AddDate(0, 1, -1).Day())
	if year := first.Year(); year < 1 || year > 9999 {
		return value{}
	}
	return inRange(schema.ToTicks(first.AddDate(0, 0, day-1)) + floorRest(ticks, tickDay))
}

func inRange(ticks int64) value {
	if year := schema.FromTicks(ticks).Year(); year < 1 || year > 9999 {
		return value{}
	}
	return vTime(ticks)
}

// datetimeDiff counts the beginnings of a period that lie between; a week begins on Sunday.
func datetimeDiff(period string, a, b int64) value {
	months := func(ticks int64) int64 {
		t := schema.FromTicks(ticks)
		return int64(t.Year())*12 + int64(t.Month()) - 1
	}
	if size := monthsOf[period]; size != 0 {
		return vLong(months(a)/size - months(b)/size)
	}
	size, shift := ticksOf[period], epochTicks
	if period == "week" {
		shift += tickDay
	}
	return vLong((floor(a+shift, size) - floor(b+shift, size)) / size)
}
