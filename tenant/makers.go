package tenant

import (
	"fmt"
	"math"
	"strings"
)

// maker makes a cell from the row's id and the cell's own hash.
type maker func(g *seeded, id int, h uint64) value

// makerOf chooses how the cells of a column are made, by name and type.
func makerOf(table string, c column) maker {
	switch c.kind {
	case kBool:
		return sparse(12, func(_ *seeded, _ int, h uint64) value { return vBool(h&3 == 0) })
	case kInt:
		return sparse(15, intMaker(c.name))
	case kLong:
		return longMaker(c.name)
	case kReal:
		return sparse(10, func(_ *seeded, _ int, h uint64) value { return vReal(math.Round(unit(h)*1e5) / 1e4) })
	case kDatetime:
		return sparse(8, timeMaker(c.name))
	case kTimespan:
		return sparse(10, func(_ *seeded, _ int, h uint64) value { return vSpan(int64(h % uint64(3*tickDay))) })
	case kGuid:
		return sparse(8, func(_ *seeded, _ int, h uint64) value { return value{k: kGuid, s: guidOf(h)} })
	case kDynamic:
		return sparse(8, dynamicMaker(c.name))
	case kDecimal:
		return sparse(8, func(_ *seeded, _ int, h uint64) value {
			return value{k: kDecimal, s: fmt.Sprintf("%d.%02d", h>>40, h%100)}
		})
	default:
		m := stringMaker(table, c.name)
		return func(g *seeded, id int, h uint64) value { return vString(m(g, id, h)) }
	}
}

// sparse makes one in n cells null.
func sparse(n uint64, m maker) maker {
	return func(g *seeded, id int, h uint64) value {
		if h>>50%n == 0 {
			return value{}
		}
		return m(g, id, h)
	}
}

func intMaker(name string) maker {
	switch {
	case strings.Contains(name, "Port"):
		ports := []int64{443, 80, 445, 389, 53, 3389, 135}
		return func(_ *seeded, _ int, h uint64) value {
			if h&1 == 0 {
				return vInt(ports[h>>8%uint64(len(ports))])
			}
			return vInt(int64(49152 + h>>8%16384))
		}
	case name == "ErrorCode":
		codes := []int64{0, 0, 0, 50126, 50053, 530032}
		return func(_ *seeded, _ int, h uint64) value { return vInt(codes[h%uint64(len(codes))]) }
	case name == "ApplicationId" || strings.Contains(name, "Length") || strings.Contains(name, "ProcessId"):
		return func(_ *seeded, _ int, h uint64) value { return vInt(int64(h % 100_000)) }
	default:
		return func(_ *seeded, _ int, h uint64) value {
			if h>>40%200 == 0 {
				return vInt([]int64{math.MaxInt32, math.MinInt32, -1}[h%3])
			}
			return vInt(int64(h % 100))
		}
	}
}

func longMaker(name string) maker {
	switch {
	case name == "ReportId": // tells rows of a device and moment apart
		return func(_ *seeded, id int, _ uint64) value { return vLong(int64(id) + 1) }
	case strings.HasSuffix(name, "ProcessId") || strings.HasSuffix(name, "ParentId"):
		return func(_ *seeded, _ int, h uint64) value { return vLong(int64(h % 65536)) }
	case strings.HasSuffix(name, "FileSize"):
		return sparse(10, func(_ *seeded, _ int, h uint64) value { return vLong(int64(unit(h) * unit(mix(h)) * 4e8)) })
	default:
		return sparse(10, func(_ *seeded, _ int, h uint64) value {
			switch h >> 40 % 64 {
			case 0: // not to be held by a double
				return vLong(1<<53 + 1 + int64(h%(1<<60)))
			case 1:
				return vLong([]int64{math.MaxInt64, math.MinInt64, -1, 0}[h%4])
			default:
				return vLong(int64(h % (1 << 33)))
			}
		})
	}
}

func timeMaker(name string) maker {
	ahead := strings.Contains(name, "Expiration") || strings.Contains(name, "EndOfSupport")
	return func(g *seeded, id int, h uint64) value {
		away := int64(unit(h) * unit(mix(h)) * 400 * float64(tickDay))
		if ahead {
			away = -away
		}
		if h>>36%500 == 0 { // what a nanosecond clock in 64 bits does not hold
			return vTime([]int64{-epochTicks, 2534023007999999999, 0}[h%3])
		}
		return vTime(cutDigits(g.moment(id)-away, h>>8))
	}
}
