package kusto

import (
	"encoding/json"
	"regexp"
	"strings"

	"hunting-exporter/tenant/data"
)

// predicates are the tests of KQL; the negated ones without an entry are their opposite.
// A test with a null is null, which a where does not let pass.
var predicates map[string]func(v data.Value, args []data.Value) data.Value

func init() {
	predicates = map[string]func(v data.Value, args []data.Value) data.Value{
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

func ordered(ok func(int) bool) func(data.Value, []data.Value) data.Value {
	return func(v data.Value, args []data.Value) data.Value {
		c, known := data.Compare(v, args[0])
		if !known {
			return data.Value{}
		}
		return data.Bool(ok(c))
	}
}

// unequal is the one comparison that a single null passes, as in Kusto.
func unequal(v data.Value, args []data.Value) data.Value {
	c, known := data.Compare(v, args[0])
	if !known {
		return data.Bool(v.Kind != args[0].Kind)
	}
	return data.Bool(c != 0)
}

func between(v data.Value, args []data.Value) data.Value {
	lo, ok := data.Compare(v, args[0])
	hi, ok2 := data.Compare(v, args[1])
	if !ok || !ok2 {
		return data.Value{}
	}
	return data.Bool(lo >= 0 && hi <= 0)
}

func in(v data.Value, args []data.Value) data.Value {
	for _, a := range args {
		if c, ok := data.Compare(v, a); ok && c == 0 {
			return data.Bool(true)
		}
	}
	return data.Bool(false)
}

// constantSet is the constants of a long list, so that it is looked up in and not gone
// through; nil where they are not all of the type, or few.
func constantSet(k data.Kind, args []*expr) map[data.Value]struct{} {
	if len(args) < 8 || k != data.KindString && k != data.KindLong && k != data.KindDatetime {
		return nil
	}
	out := make(map[data.Value]struct{}, len(args))
	for _, a := range args {
		if a.konst == nil {
			return nil
		}
		v := *a.konst
		if v.Kind == data.KindDynamic {
			v = data.Convert(v, k)
		}
		if v.Kind != k && v.Kind != data.KindNull {
			return nil
		}
		if v.Kind != data.KindNull {
			out[plain(v)] = struct{}{}
		}
	}
	return out
}

// plain is a value as a key: nothing but its type and content.
func plain(v data.Value) data.Value { return data.Value{Kind: v.Kind, Int: v.Int, Text: v.Text} }

func negated(predicate func(data.Value, []data.Value) data.Value) func(data.Value, []data.Value) data.Value {
	return func(v data.Value, args []data.Value) data.Value { return data.Bool(!predicate(v, args).Truth()) }
}

// texts passes where the text fits any argument; fold ignores case.
func texts(ok func(s, arg string) bool, fold bool) func(data.Value, []data.Value) data.Value {
	return func(v data.Value, args []data.Value) data.Value {
		s := v.String()
		if fold {
			s = strings.ToLower(s)
		}
		for _, a := range args {
			t := a.String()
			if fold {
				t = strings.ToLower(t)
			}
			if ok(s, t) {
				return data.Bool(true)
			}
		}
		return data.Bool(false)
	}
}

func hasAll(v data.Value, args []data.Value) data.Value {
	for i := range args {
		if !predicates["has"](v, args[i:i+1]).Truth() {
			return data.Bool(false)
		}
	}
	return data.Bool(true)
}

// spread puts the elements of constant arrays in their place, once for all rows.
func spread(args []*expr) []*expr {
	out := make([]*expr, 0, len(args))
	for _, a := range args {
		if a.konst == nil || a.kind != data.KindDynamic {
			out = append(out, a)
			continue
		}
		for _, v := range appendElements(nil, *a.konst) {
			out = append(out, constant(data.KindDynamic, v))
		}
	}
	return out
}

// appendElements appends what a list of values means by v: an array stands for its
// elements, those of arrays within it too, but for nulls.
func appendElements(to []data.Value, v data.Value) []data.Value {
	var list []json.RawMessage
	if v.Kind != data.KindDynamic || !strings.HasPrefix(v.Text, "[") || json.Unmarshal([]byte(v.Text), &list) != nil {
		return append(to, v)
	}
	for _, raw := range list {
		if x := data.DynamicOf(string(raw)); x.Kind != data.KindNull {
			to = appendElements(to, x)
		}
	}
	return to
}

func matches(v data.Value, args []data.Value) data.Value {
	re, err := regexp.Compile(args[0].String())
	if err != nil {
		return data.Value{}
	}
	return data.Bool(re.MatchString(v.String()))
}

// hasTerm finds term where neither a letter nor a digit goes on beside it.
func hasTerm(s, term string) bool { return finds(s, term, true, true) }

func hasPrefix(s, term string) bool { return finds(s, term, true, false) }

func hasSuffix(s, term string) bool { return finds(s, term, false, true) }

// finds looks for term where a word begins before it, or ends behind it.
func finds(s, term string, begins, ends bool) bool {
	word := func(i int) bool {
		return i >= 0 && i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i]|0x20 >= 'a' && s[i]|0x20 <= 'z' || s[i] >= 0x80)
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
