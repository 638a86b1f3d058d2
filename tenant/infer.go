package tenant

import "strconv"

// valueOf reads compact JSON as a cell of the type, strictly: "0" is no long.
func valueOf(text string, k kind) (value, bool) {
	if text == "null" {
		return convert(value{}, k), true
	}
	s, quoted := unquoteJSON(text)
	switch k {
	case kString:
		if quoted {
			return vString(s), true
		}
		return vString(text), true
	case kBool:
		switch text {
		case "true", "1":
			return vBool(true), true
		case "false", "0":
			return vBool(false), true
		}
		return value{}, false
	case kInt, kLong:
		return parseAs(text, k)
	case kReal:
		if quoted {
			text = s
			if _, err := strconv.ParseFloat(s, 64); err == nil && s != "NaN" {
				return value{}, false
			}
		}
		return parseReal(text)
	case kDynamic:
		return vJSON(text), true
	case kDecimal:
		if !quoted {
			s = text
		}
		return parseAs(s, k)
	default: // datetime, timespan, guid: text
		if !quoted {
			return value{}, false
		}
		return parseAs(s, k)
	}
}

// inferred is the type of a column that the catalogue does not know, by its values.
func inferred(rows []recorded, name string) kind {
	out := kNull
	for _, r := range rows {
		v, ok := r.values[name]
		if !ok || v == "null" {
			continue
		}
		k := jsonKind(v)
		if r.companions[name] == "#SByte" {
			k = kBool
		}
		switch {
		case out == kNull || out == k:
			out = k
		case out.numeric() && k.numeric():
			out = kReal
		default:
			return kString
		}
	}
	if out == kNull {
		return kString
	}
	return out
}

func jsonKind(v string) kind {
	switch c := v[0]; {
	case c == '"':
		return kString
	case c == '{' || c == '[':
		return kDynamic
	case c == 't' || c == 'f':
		return kBool
	}
	if _, err := strconv.ParseInt(v, 10, 64); err == nil {
		return kLong
	}
	return kReal
}
