package tenant

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

// compactJSON checks a JSON text and takes its white space out; the order of keys,
// the spelling of numbers and the text of strings stay, only the escapes that
// strings do not need go.
func compactJSON(s string) (string, error) {
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
		return appendQuoted(b, v), nil
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

// appendQuoted writes s as a JSON string, escaping only what JSON demands. What
// is not UTF-8 becomes U+FFFD: no answer may be invalid JSON.
func appendQuoted(b []byte, s string) []byte {
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

// unquoteJSON gives the text of a JSON string.
func unquoteJSON(s string) (string, bool) {
	if len(s) < 2 || s[0] != '"' {
		return "", false
	}
	var out string
	if json.Unmarshal([]byte(s), &out) != nil {
		return "", false
	}
	return out, true
}
