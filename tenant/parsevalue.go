package tenant

import (
	"math"
	"strconv"
	"strings"
)

// parseAs reads text as a value of the type.
func parseAs(s string, k kind) (value, bool) {
	switch k {
	case kString:
		return vString(s), true
	case kBool:
		switch strings.ToLower(s) {
		case "true", "1":
			return vBool(true), true
		case "false", "0":
			return vBool(false), true
		}
	case kInt:
		n, err := strconv.ParseInt(s, 10, 32)
		return vInt(n), err == nil
	case kLong:
		n, err := strconv.ParseInt(s, 10, 64)
		return vLong(n), err == nil
	case kReal:
		return parseReal(s)
	case kDatetime:
		n, ok := parseTime(s)
		return vTime(n), ok
	case kTimespan:
		n, ok := parseSpan(s)
		return vSpan(n), ok
	case kGuid:
		return value{k: kGuid, s: strings.ToLower(s)}, isGUID(s)
	case kDynamic:
		if c, err := compactJSON(s); err == nil {
			return dynamicOf(c), true
		}
	case kDecimal:
		_, err := strconv.ParseFloat(s, 64)
		return value{k: kDecimal, s: s}, err == nil
	}
	return value{}, false
}

// dynamicOf makes a dynamic of compact JSON; JSON null is Kusto's null.
func dynamicOf(compact string) value {
	if compact == "null" {
		return value{}
	}
	return vJSON(compact)
}

func parseReal(s string) (value, bool) {
	switch s {
	case "NaN", "nan":
		return vReal(math.NaN()), true
	case "Infinity", "+inf":
		return vReal(math.Inf(1)), true
	case "-Infinity", "-inf":
		return vReal(math.Inf(-1)), true
	}
	f, err := strconv.ParseFloat(s, 64)
	return vReal(f), err == nil
}

func isGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (s[i] == '-') {
			return false
		}
		if !dash && !strings.ContainsRune("0123456789abcdefABCDEF", rune(s[i])) {
			return false
		}
	}
	return true
}
