package data

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf8"
)

// CompactJSON checks a JSON text and takes its white space out; the order of keys,
// the spelling of numbers and the text of strings stay, only the escapes that
// strings do not need go.
func CompactJSON(s string) (string, error) {
	dec := json.NewDecoder(bytes.NewReader([]byte(s)))
	dec.UseNumber()
	out, err := appendToken(nil, dec)
	if err != nil {
		return "", err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return "", errTrailing
	}
	return string(out), nil
}

var errTrailing = errors.New("more than one JSON value")

func appendToken(b []byte, dec *json.Decoder) ([]byte, error) {
	tok, err := dec.Token()
	if err != nil {
		return b, err
	}
	switch v := tok.(type) {
	case json.Delim:
		return appendNested(b, dec, v)
	case string:
		return AppendQuoted(b, v), nil
	case json.Number:
		return append(b, v...), nil
	case bool:
		if v {
			return append(b, "true"...), nil
		}
		return append(b, "false"...), nil
	default:
		return append(b, "null"...), nil
	}
}

func appendNested(b []byte, dec *json.Decoder, open json.Delim) ([]byte, error) {
	b = append(b, byte(open))
	object := open == '{'
	for first := true; dec.More(); first = false {
		if !first {
			b = append(b, ',')
		}
		var err error
		if object {
			if b, err = appendToken(b, dec); err != nil {
				return b, err
			}
			b = append(b, ':')
		}
		if b, err = appendToken(b, dec); err != nil {
			return b, err
		}
	}
	if _, err := dec.Token(); err != nil {
		return b, err
	}
	return append(b, byte(open)+2), nil // '}' is '{'+2, ']' is '['+2
}

// asItIs is the bytes that a JSON string holds as they are, by themselves.
var asItIs = func() (out [256]bool) {
	for c := range utf8.RuneSelf {
		out[c] = c >= 0x20 && c != '"' && c != '\\'
	}
	return out
}()

const hexDigits = "0123456789abcdef"

// AppendQuoted writes s as a JSON string, escaping only what JSON demands. What
// is not UTF-8 becomes U+FFFD: no answer may be invalid JSON.
func AppendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if asItIs[c] {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += size
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}

// UnquoteJSON gives the text of a JSON string.
func UnquoteJSON(s string) (string, bool) {
	if len(s) < 2 || s[0] != '"' {
		return "", false
	}
	var out string
	if json.Unmarshal([]byte(s), &out) != nil {
		return "", false
	}
	return out, true
}

// EachMember goes over the members of a compact JSON object or array; key is quoted, and
// "" in an array.
func EachMember(s string, do func(key, v string)) {
	object := s[0] == '{'
	for i := 1; i < len(s)-1; i++ { // the separator
		key := ""
		if object {
			end := skipJSON(s, i)
			key = s[i:end]
			i = end + 1
		}
		end := skipJSON(s, i)
		do(key, s[i:end])
		i = end
	}
}

// skipJSON returns where the value that begins at i of compact JSON ends.
func skipJSON(s string, i int) int {
	depth := 0
	for ; i < len(s); i++ {
		switch s[i] {
		case '"':
			for i++; s[i] != '"'; i++ {
				if s[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
		case ',', ':':
			if depth == 0 {
				return i
			}
		}
	}
	return i
}

// AppendJSON writes a value as the legacy APIs do.
func AppendJSON(b []byte, v Value) []byte {
	switch v.Kind {
	case KindNull:
		return append(b, "null"...)
	case KindBool, KindInt, KindLong:
		return strconv.AppendInt(b, v.Int, 10)
	case KindReal:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return append(appendReal(append(b, '"'), f), '"')
		}
		return appendReal(b, v.Float())
	case KindDatetime:
		return append(appendTime(append(b, '"'), v.Int), '"')
	case KindTimespan:
		return append(AppendSpan(append(b, '"'), v.Int), '"')
	case KindDynamic:
		return append(b, v.Text...)
	default:
		return AppendQuoted(b, v.Text)
	}
}

// AppendElement writes a value as a part of a dynamic: booleans are JSON's, times have all
// their digits.
func AppendElement(b []byte, v Value) []byte {
	switch v.Kind {
	case KindBool:
		return strconv.AppendBool(b, v.Int != 0)
	case KindDatetime:
		return AppendQuoted(b, v.String())
	default:
		return AppendJSON(b, v)
	}
}

// ParseAs reads text as a value of the type.
func ParseAs(s string, k Kind) (Value, bool) {
	switch k {
	case KindString:
		return String(s), true
	case KindBool:
		switch strings.ToLower(s) {
		case "true", "1":
			return Bool(true), true
		case "false", "0":
			return Bool(false), true
		}
	case KindInt:
		n, err := strconv.ParseInt(s, 10, 32)
		return Int(n), err == nil
	case KindLong:
		n, err := strconv.ParseInt(s, 10, 64)
		return Long(n), err == nil
	case KindReal:
		return ParseReal(s)
	case KindDatetime:
		n, ok := ParseTime(s)
		return Datetime(n), ok
	case KindTimespan:
		n, ok := parseSpan(s)
		return Timespan(n), ok
	case KindGuid:
		return Value{Kind: KindGuid, Text: strings.ToLower(s)}, isGUID(s)
	case KindDynamic:
		if c, err := CompactJSON(s); err == nil {
			return DynamicOf(c), true
		}
	case KindDecimal:
		_, err := strconv.ParseFloat(s, 64)
		return Value{Kind: KindDecimal, Text: s}, err == nil
	}
	return Value{}, false
}

// DynamicOf makes a dynamic of compact JSON; JSON null is Kusto's null.
func DynamicOf(compact string) Value {
	if compact == "null" {
		return Value{}
	}
	return Dynamic(compact)
}

// ParseReal reads a real as Kusto writes and accepts it.
func ParseReal(s string) (Value, bool) {
	switch s {
	case "NaN", "nan":
		return Real(math.NaN()), true
	case "Infinity", "+inf":
		return Real(math.Inf(1)), true
	case "-Infinity", "-inf":
		return Real(math.Inf(-1)), true
	}
	f, err := strconv.ParseFloat(s, 64)
	return Real(f), err == nil
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

const (
	xx1 = 0x9E3779B185EBCA87
	xx2 = 0xC2B2AE3D27D4EB4F
	xx3 = 0x165667B19E3779F9
	xx4 = 0x85EBCA77C2B2AE63
	xx5 = 0x27D4EB2F165667C5
)

func le64(s string) uint64 { return uint64(le32(s)) | uint64(le32(s[4:]))<<32 }

func le32(s string) uint32 {
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

func xxRound(acc, in uint64) uint64 { return bits.RotateLeft64(acc+in*xx2, 31) * xx1 }

// XXHash64 is XXH64 with seed 0.
func XXHash64(s string) uint64 {
	n := uint64(len(s))
	h := uint64(xx5)
	if len(s) >= 32 {
		p1, p2 := uint64(xx1), uint64(xx2)
		v := [4]uint64{p1 + p2, p2, 0, -p1}
		for ; len(s) >= 32; s = s[32:] {
			for i := range v {
				v[i] = xxRound(v[i], le64(s[8*i:]))
			}
		}
		h = bits.RotateLeft64(v[0], 1) + bits.RotateLeft64(v[1], 7) + bits.RotateLeft64(v[2], 12) + bits.RotateLeft64(v[3], 18)
		for _, x := range v {
			h = (h^xxRound(0, x))*xx1 + xx4
		}
	}
	h += n
	for ; len(s) >= 8; s = s[8:] {
		h = bits.RotateLeft64(h^xxRound(0, le64(s)), 27)*xx1 + xx4
	}
	if len(s) >= 4 {
		h = bits.RotateLeft64(h^uint64(le32(s))*xx1, 23)*xx2 + xx3
		s = s[4:]
	}
	for i := range len(s) {
		h = bits.RotateLeft64(h^uint64(s[i])*xx5, 11) * xx1
	}
	h = (h ^ h>>33) * xx2
	h = (h ^ h>>29) * xx3
	return h ^ h>>32
}
