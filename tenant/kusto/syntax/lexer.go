package syntax

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"hunting-exporter/tenant/data"
)

type tokenKind uint8

const (
	tEnd tokenKind = iota
	tName
	tValue // a literal: number, text, timespan, datetime(…)
	tPunct
)

type token struct {
	kind tokenKind
	text string     // of a name or punctuation
	val  data.Value // of a literal
	typ  data.Kind  // of a literal, null too
	pos  int
	end  int
}

// tokens cuts a query up; comments and white space go.
func tokens(q string) ([]token, error) {
	if !utf8.ValidString(q) {
		return nil, syntaxError(q, 0, "The query is not valid UTF-8")
	}
	l := lexer{q: q}
	for {
		t, err := l.next()
		if err != nil {
			return nil, err
		}
		l.out = append(l.out, t)
		if t.kind == tEnd {
			return l.out, nil
		}
	}
}

type lexer struct {
	q   string
	i   int
	out []token
}

var puncts = []string{
	"..", "==", "!=", "<>", "<=", ">=", "=~", "!~",
	"|", "(", ")", "[", "]", "{", "}", ",", ";", ":", "=", "<", ">", "+", "-", "*", "/", "%", ".", "!",
}

func (l *lexer) next() (token, error) {
	l.blank()
	t := token{pos: l.i, end: l.i}
	if l.i >= len(l.q) {
		return t, nil
	}
	c := l.q[l.i]
	var err error
	switch {
	case c >= '0' && c <= '9':
		t.kind = tValue
		t.val, err = l.number()
	case c == '"' || c == '\'':
		t.kind = tValue
		t.val, err = l.str(false)
	case strings.IndexByte("@hH", c) >= 0 && l.quoteFollows():
		verbatim := c == '@' || l.q[l.i+1] == '@'
		l.i += strings.IndexAny(l.q[l.i:], `"'`)
		t.kind = tValue
		t.val, err = l.str(verbatim)
	case letter(c):
		t, err = l.word()
	default:
		t.kind = tPunct
		t.text, err = l.punct()
	}
	t.end = l.i
	if t.val.Kind != data.KindNull {
		t.typ = t.val.Kind
	}
	return t, err
}

func (l *lexer) blank() {
	for l.i < len(l.q) {
		switch {
		case strings.IndexByte(" \t\r\n\u00a0", l.q[l.i]) >= 0:
			l.i++
		case strings.HasPrefix(l.q[l.i:], "//"):
			n := strings.IndexByte(l.q[l.i:], '\n')
			if n < 0 {
				n = len(l.q) - l.i
			}
			l.i += n
		default:
			return
		}
	}
}

func letter(c byte) bool {
	return c == '_' || c == '$' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func (l *lexer) quoteFollows() bool {
	rest := strings.TrimLeft(l.q[l.i:min(l.i+3, len(l.q))], "@hH")
	return rest != "" && (rest[0] == '"' || rest[0] == '\'')
}

func (l *lexer) punct() (string, error) {
	for _, p := range puncts {
		if strings.HasPrefix(l.q[l.i:], p) {
			l.i += len(p)
			return p, nil
		}
	}
	r, _ := utf8.DecodeRuneInString(l.q[l.i:])
	return "", syntaxError(l.q, l.i, "Unexpected character '%c'", r)
}

var spanUnits = map[string]int64{
	"d": data.TickDay, "day": data.TickDay, "days": data.TickDay, "h": data.TickHour, "hr": data.TickHour, "hour": data.TickHour, "hours": data.TickHour,
	"m": data.TickMinute, "min": data.TickMinute, "minute": data.TickMinute, "minutes": data.TickMinute,
	"s": data.TickSecond, "sec": data.TickSecond, "second": data.TickSecond, "seconds": data.TickSecond,
	"ms": data.TickSecond / 1000, "millisecond": data.TickSecond / 1000, "milliseconds": data.TickSecond / 1000,
	"microsecond": 10, "microseconds": 10, "tick": data.Tick, "ticks": data.Tick,
}

// number reads 12, 1.5, 1e9, 0x1F and timespans such as 15m or 1tick.
func (l *lexer) number() (data.Value, error) {
	start := l.i
	run := func(ok func(byte) bool) {
		for l.i < len(l.q) && ok(l.q[l.i]) {
			l.i++
		}
	}
	if strings.HasPrefix(l.q[l.i:], "0x") {
		l.i += 2
		run(func(c byte) bool { return digit(c) || letter(c) })
		n, err := strconv.ParseInt(l.q[start+2:l.i], 16, 64)
		if err != nil {
			return data.Value{}, syntaxError(l.q, start, "The number '%s' could not be parsed", l.q[start:l.i])
		}
		return data.Long(n), nil
	}
	run(digit)
	whole := true
	if l.i+1 < len(l.q) && l.q[l.i] == '.' && digit(l.q[l.i+1]) {
		whole = false
		l.i++
		run(digit)
	}
	num := l.q[start:l.i]
	unitAt := l.i
	run(func(c byte) bool { return digit(c) || letter(c) })
	if unit := l.q[unitAt:l.i]; unit != "" {
		if ticks, ok := spanUnits[unit]; ok {
			n, ok := times(num, ticks)
			if !ok {
				return data.Value{}, syntaxError(l.q, start, "The timespan '%s' could not be parsed", l.q[start:l.i])
			}
			return data.Timespan(n), nil
		}
		l.exponent(unitAt)
		num, whole = l.q[start:l.i], false
	}
	if whole {
		if n, err := strconv.ParseInt(num, 10, 64); err == nil {
			return data.Long(n), nil
		}
	}
	f, err := strconv.ParseFloat(num, 64)
	if err != nil {
		return data.Value{}, syntaxError(l.q, start, "The number '%s' could not be parsed", num)
	}
	return data.Real(f), nil
}

// times is num units in ticks; a whole num is exact however large.
func times(num string, unit int64) (int64, bool) {
	if n, err := strconv.ParseInt(num, 10, 64); err == nil {
		return n * unit, n <= math.MaxInt64/unit
	}
	f, err := strconv.ParseFloat(num, 64)
	return int64(math.Round(f * float64(unit))), err == nil && f*float64(unit) < math.MaxInt64
}

// exponent takes in the sign of 1e-5, which the run of letters stopped at.
func (l *lexer) exponent(from int) {
	if l.i-from == 1 && l.i < len(l.q) && (l.q[l.i] == '-' || l.q[l.i] == '+') {
		l.i++
		for l.i < len(l.q) && digit(l.q[l.i]) {
			l.i++
		}
	}
}

func (l *lexer) str(verbatim bool) (data.Value, error) {
	start, quote := l.i, l.q[l.i]
	var b strings.Builder
	for l.i++; l.i < len(l.q); l.i++ {
		c := l.q[l.i]
		switch {
		case c == quote && verbatim && l.i+1 < len(l.q) && l.q[l.i+1] == quote:
			b.WriteByte(quote)
			l.i++
		case c == quote:
			l.i++
			return data.String(b.String()), nil
		case c == '\n' || c == '\r':
			return data.Value{}, syntaxError(l.q, start, "A string that does not end on its line")
		case c == '\\' && !verbatim:
			r, multi, tail, err := strconv.UnquoteChar(l.q[l.i:], quote)
			if err != nil {
				return data.Value{}, syntaxError(l.q, l.i, "An escape that KQL does not know")
			}
			if multi {
				b.WriteRune(r)
			} else {
				b.WriteRune(rune(byte(r)))
			}
			l.i = len(l.q) - len(tail) - 1
		default:
			b.WriteByte(c)
		}
	}
	return data.Value{}, syntaxError(l.q, start, "A string that does not end")
}

// typed literals: the name, then the value between parentheses as it stands.
var typedLiterals = map[string]data.Kind{
	"datetime": data.KindDatetime, "timespan": data.KindTimespan, "time": data.KindTimespan, "guid": data.KindGuid, "dynamic": data.KindDynamic,
	"long": data.KindLong, "int": data.KindInt, "real": data.KindReal, "double": data.KindReal, "bool": data.KindBool, "boolean": data.KindBool, "decimal": data.KindDecimal,
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
		t.kind, t.val = tValue, data.Bool(t.text == "true")
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
	if n := len(inside); n >= 2 && k != data.KindDynamic && (inside[0] == '"' || inside[0] == '\'') && inside[n-1] == inside[0] {
		inside = inside[1 : n-1]
	}
	t.val, ok = data.ParseAs(inside, k)
	if !ok && k == data.KindTimespan {
		t.val, ok = spanLiteral(inside)
	}
	if !ok && k == data.KindDynamic {
		t.val, ok = dynamicLiteral(inside)
	}
	if !ok {
		return t, syntaxError(l.q, t.pos, "The %s literal '%s' could not be parsed", t.text, inside)
	}
	return t, nil
}

// spanLiteral reads the 15m of timespan(15m).
func spanLiteral(s string) (data.Value, bool) {
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	if s == "" || !digit(s[0]) {
		return data.Value{}, false
	}
	inner := lexer{q: s}
	v, err := inner.number()
	if err != nil || inner.i != len(s) || v.Kind != data.KindTimespan {
		return data.Value{}, false
	}
	if neg {
		v.Int = -v.Int
	}
	return v, true
}

// dynamicLiteral reads JSON in which strings and values may be KQL's.
func dynamicLiteral(s string) (data.Value, bool) {
	toks, err := tokens(s)
	if err != nil {
		return data.Value{}, false
	}
	var b []byte
	for _, t := range toks {
		switch {
		case t.kind != tValue:
			b = append(b, t.text...)
		case t.typ == data.KindLong || t.typ == data.KindReal:
			b = append(b, s[t.pos:t.end]...)
		default:
			b = data.AppendElement(b, t.val)
		}
	}
	compact, err := data.CompactJSON(string(b))
	return data.DynamicOf(compact), err == nil
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
