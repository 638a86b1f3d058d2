package tenant

import (
	"encoding/json"
	"regexp"
	"strings"
)

// judges are the tests of KQL; the negated ones without an entry are their opposite.
// A test with a null is null, which a where does not let pass.
var judges map[string]func(v value, args []value) value

func init() {
	judges = map[string]func(v value, args []value) value{
		"==":            ordered(func(c int) bool { return c == 0 }),
		"!=":            unequal,
		"<":             ordered(func(c int) bool { return c < 0 }),
		"<=":            ordered(func(c int) bool { return c <= 0 }),
		">":             ordered(func(c int) bool { return c > 0 }),
		">=":            ordered(func(c int) bool { return c >= 0 }),
		"between":       between,
		"in":            in,
		"in~":           texts(strings.EqualFold, false),
		"!in~":          negated(texts(strings.EqualFold, false)),
		"=~":            texts(strings.EqualFold, false),
		"~":             texts(strings.EqualFold, false), // "!~" without its "!"
		"contains":      texts(strings.Contains, true),
		"contains_cs":   texts(strings.Contains, false),
		"startswith":    texts(strings.HasPrefix, true),
		"startswith_cs": texts(strings.HasPrefix, false),
		"endswith":      texts(strings.HasSuffix, true),
		"endswith_cs":   texts(strings.HasSuffix, false),
		"has":           texts(hasTerm, true),
		"has_cs":        texts(hasTerm, false),
		"has_any":       texts(hasTerm, true),
		"has_all":       hasAll,
		"hasprefix":     texts(hasPrefix, true),
		"hasprefix_cs":  texts(hasPrefix, false),
		"hassuffix":     texts(hasSuffix, true),
		"hassuffix_cs":  texts(hasSuffix, false),
		"matches regex": matches,
	}
}

func ordered(ok func(int) bool) func(value, []value) value {
	return func(v value, args []value) value {
		c, known := compare(v, args[0])
		if !known {
			return value{}
		}
		return vBool(ok(c))
	}
}

// unequal is the one comparison that a single null passes, as in Kusto.
func unequal(v value, args []value) value {
	c, known := compare(v, args[0])
	if !known {
		return vBool(v.k != args[0].k)
	}
	return vBool(c != 0)
}

func between(v value, args []value) value {
	lo, ok := compare(v, args[0])
	hi, ok2 := compare(v, args[1])
	if !ok || !ok2 {
		return value{}
	}
	return vBool(lo >= 0 && hi <= 0)
}

func in(v value, args []value) value {
	for _, a := range args {
		if c, ok := compare(v, a); ok && c == 0 {
			return vBool(true)
		}
	}
	return vBool(false)
}

// constantSet is the constants of a long list, so that it is looked up in and not gone
// through; nil where they are not all of the type, or few.
func constantSet(k kind, args []*expr) map[value]struct{} {
	if len(args) < 8 || k != kString && k != kLong && k != kDatetime {
		return nil
	}
	out := make(map[value]struct{}, len(args))
	for _, a := range args {
		if a.konst == nil {
			return nil
		}
		v := *a.konst
		if v.k == kDynamic {
			v = convert(v, k)
		}
		if v.k != k && v.k != kNull {
			return nil
		}
		if v.k != kNull {
			out[plain(v)] = struct{}{}
		}
	}
	return out
}

// plain is a value as a key: nothing but its type and content.
func plain(v value) value { return value{k: v.k, n: v.n, s: v.s} }

func negated(judge func(value, []value) value) func(value, []value) value {
	return func(v value, args []value) value { return vBool(!judge(v, args).truth()) }
}

// texts passes where the text fits any argument; fold ignores case.
func texts(ok func(s, arg string) bool, fold bool) func(value, []value) value {
	return func(v value, args []value) value {
		s := v.text()
		if fold {
			s = strings.ToLower(s)
		}
		for _, a := range args {
			t := a.text()
			if fold {
				t = strings.ToLower(t)
			}
			if ok(s, t) {
				return vBool(true)
			}
		}
		return vBool(false)
	}
}

func hasAll(v value, args []value) value {
	for i := range args {
		if !judges["has"](v, args[i:i+1]).truth() {
			return vBool(false)
		}
	}
	return vBool(true)
}

// spread puts the elements of constant arrays in their place, once for all rows.
func spread(args []*expr) []*expr {
	out := make([]*expr, 0, len(args))
	for _, a := range args {
		if a.konst == nil || a.kind != kDynamic {
			out = append(out, a)
			continue
		}
		for _, v := range appendElements(nil, *a.konst) {
			out = append(out, constant(kDynamic, v))
		}
	}
	return out
}

// appendElements appends what a list of values means by v: an array stands for its
// elements, those of arrays within it too, but for nulls.
func appendElements(to []value, v value) []value {
	var list []json.RawMessage
	if v.k != kDynamic || !strings.HasPrefix(v.s, "[") || json.Unmarshal([]byte(v.s), &list) != nil {
		return append(to, v)
	}
	for _, raw := range list {
		if x := dynamicOf(string(raw)); x.k != kNull {
			to = appendElements(to, x)
		}
	}
	return to
}

func matches(v value, args []value) value {
	re, err := regexp.Compile(args[0].text())
	if err != nil {
		return value{}
	}
	return vBool(re.MatchString(v.text()))
}

// hasTerm finds term where neither a letter nor a digit goes on beside it.
func hasTerm(s, term string) bool { return finds(s, term, true, true) }

func hasPrefix(s, term string) bool { return finds(s, term, true, false) }

func hasSuffix(s, term string) bool { return finds(s, term, false, true) }

// finds looks for term where a word begins before it, or ends behind it.
func finds(s, term string, begins, ends bool) bool {
	word := func(i int) bool {
		return i >= 0 && i < len(s) && (digit(s[i]) || letter(s[i]) && s[i] != '_' && s[i] != '$' || s[i] >= 0x80)
	}
	for from := 0; ; {
		i := strings.Index(s[from:], term)
		if i < 0 {
			return false
		}
		i += from
		if term == "" || (!begins || !word(i-1)) && (!ends || !word(i+len(term))) {
			return true
		}
		from = i + 1
	}
}
