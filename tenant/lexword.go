package tenant

import "strings"

// typed literals: the name, then the value between parentheses as it stands.
var typedLiterals = map[string]kind{
	"datetime": kDatetime, "timespan": kTimespan, "time": kTimespan, "guid": kGuid, "dynamic": kDynamic,
	"long": kLong, "int": kInt, "real": kReal, "double": kReal, "bool": kBool, "boolean": kBool, "decimal": kDecimal,
}

// word reads a name, in~, true and false, or a typed literal such as datetime(2026-01-31).
func (l *lexer) word() (token, error) {
	t := token{kind: tName, pos: l.i}
	for l.i < len(l.q) && (letter(l.q[l.i]) || digit(l.q[l.i])) {
		l.i++
	}
	t.text = l.q[t.pos:l.i]
	switch t.text {
	case "in":
		if strings.HasPrefix(l.q[l.i:], "~") {
			l.i++
			t.text = "in~"
		}
		return t, nil
	case "true", "false":
		t.kind, t.val = tValue, vBool(t.text == "true")
		return t, nil
	}
	k, ok := typedLiterals[t.text]
	if !ok || l.i >= len(l.q) || l.q[l.i] != '(' {
		return t, nil
	}
	inside, ok := l.parenthesised()
	if !ok {
		return t, syntaxError(l.q, t.pos, "A %s literal that does not end", t.text)
	}
	t.kind = tValue
	inside = strings.TrimSpace(inside)
	if inside == "null" {
		t.typ = k
		return t, nil
	}
	if n := len(inside); n >= 2 && k != kDynamic && (inside[0] == '"' || inside[0] == '\'') && inside[n-1] == inside[0] {
		inside = inside[1 : n-1]
	}
	t.val, ok = parseAs(inside, k)
	if !ok && k == kTimespan {
		t.val, ok = spanLiteral(inside)
	}
	if !ok && k == kDynamic {
		t.val, ok = dynamicLiteral(inside)
	}
	if !ok {
		return t, syntaxError(l.q, t.pos, "The %s literal '%s' could not be parsed", t.text, inside)
	}
	return t, nil
}

// spanLiteral reads the 15m of timespan(15m).
func spanLiteral(s string) (value, bool) {
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	if s == "" || !digit(s[0]) {
		return value{}, false
	}
	inner := lexer{q: s}
	v, err := inner.number()
	if err != nil || inner.i != len(s) || v.k != kTimespan {
		return value{}, false
	}
	if neg {
		v.n = -v.n
	}
	return v, true
}

// dynamicLiteral reads JSON in which strings and values may be KQL's.
func dynamicLiteral(s string) (value, bool) {
	toks, err := tokens(s)
	if err != nil {
		return value{}, false
	}
	var b []byte
	for _, t := range toks {
		switch {
		case t.kind != tValue:
			b = append(b, t.text...)
		case t.typ == kLong || t.typ == kReal:
			b = append(b, s[t.pos:t.end]...)
		default:
			b = appendElement(b, t.val)
		}
	}
	compact, err := compactJSON(string(b))
	return dynamicOf(compact), err == nil
}

// parenthesised reads from "(" to its ")", minding quotes and nested ones.
func (l *lexer) parenthesised() (string, bool) {
	start, depth, quote := l.i+1, 0, byte(0)
	for ; l.i < len(l.q); l.i++ {
		c := l.q[l.i]
		switch {
		case quote != 0 && c == '\\':
			l.i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '(':
			depth++
		case c == ')':
			depth--
			if depth == 0 {
				l.i++
				return l.q[start : l.i-1], true
			}
		}
	}
	return "", false
}
