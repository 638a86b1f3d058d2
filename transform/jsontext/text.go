package jsontext

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// ValidUTF8 reports whether the string may be stored. Escapes are ASCII, so that the
// text as it stands can be asked.
func (r Raw) ValidUTF8() bool { return !r.high || utf8.Valid(r.Bytes) }

// AppendTo appends what the string says, which is never longer than how it is spelled.
func (r Raw) AppendTo(dst []byte) []byte {
	if !r.Escaped {
		return append(dst, r.Bytes...)
	}
	dst = slices.Grow(dst, len(r.Bytes))
	out, n := dst[len(dst):cap(dst)], 0
	for b := r.Bytes; len(b) > 0; {
		// Eight bytes at a time up to a backslash; what is copied beyond it is overwritten.
		if len(b) >= 8 && len(out)-n >= 8 {
			w := binary.LittleEndian.Uint64(b)
			binary.LittleEndian.PutUint64(out[n:], w)
			slash := w ^ ones*'\\'
			m := (slash - ones) &^ slash & HighBits
			plain := bits.TrailingZeros64(m) >> 3 // 8 if there is none
			n += plain
			b = b[plain:]
			if m == 0 {
				continue
			}
		}
		if b[0] != '\\' {
			out[n] = b[0]
			n++
			b = b[1:]
			continue
		}
		c, length := unescape(b)
		if c < utf8.RuneSelf {
			out[n] = byte(c)
			n++
		} else {
			n += utf8.EncodeRune(out[n:], c)
		}
		b = b[length:]
	}
	return dst[:len(dst)+n]
}

// AppendString appends what the string at the cursor says to dst in one pass, and steps over
// it. It is not ok, and nothing has happened, where dst has too little room, or where str or
// validUTF8 may have something to say.
func (s *Scanner) AppendString(dst []byte) (_ []byte, ok bool) {
	b := s.Bytes[s.Pos+1:]
	out, i, n := dst[len(dst):cap(dst)], 0, 0
	var seen uint64
	for i+8 <= len(b) && n+8+utf8.UTFMax <= len(out) { // as in str; what is copied too far is overwritten
		w := binary.LittleEndian.Uint64(b[i:])
		binary.LittleEndian.PutUint64(out[n:], w)
		below, slash := w^(ones*2), w^(ones*'\\')
		m := ((below-ones*0x21)&^below | (slash-ones)&^slash) & HighBits
		seen |= w
		if m == 0 {
			i += 8
			n += 8
			continue
		}
		plain := bits.TrailingZeros64(m) >> 3
		i += plain
		n += plain
		switch {
		case b[i] == '"':
			if seen&HighBits != 0 && !utf8.Valid(b[:i]) {
				return dst, false
			}
			s.Pos += i + 2
			return dst[:len(dst)+n], true
		case b[i] != '\\' || i+1 == len(b):
			return dst, false
		}
		if c := escaped[b[i+1]]; c != 0 {
			out[n] = c
			i += 2
			n++
			continue
		}
		if escapeLen(b[i:]) == 0 {
			return dst, false
		}
		c, length := unescape(b[i:])
		i += length
		n += utf8.EncodeRune(out[n:], c)
	}
	return dst, false
}

// escaped is what an escape of two bytes stands for, by the second.
var escaped = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// AppendQuoted appends the string in its one canonical form: raw UTF-8, escapes only
// for the quote, the backslash and control characters.
func (r Raw) AppendQuoted(dst []byte) []byte {
	dst = append(dst, '"')
	b := r.Bytes
	for r.Escaped {
		i := bytes.IndexByte(b, '\\')
		if i < 0 {
			break
		}
		dst = append(dst, b[:i]...)
		c, n := unescape(b[i:])
		dst = appendCanonical(dst, c)
		b = b[i+n:]
	}
	dst = append(dst, b...)
	return append(dst, '"')
}

const (
	hexDigits = "0123456789abcdef"
	shortOnes = "btn\x00fr" // for the control characters 8 to 13; 11 has none
)

func appendCanonical(dst []byte, c rune) []byte {
	switch {
	case c == '"' || c == '\\':
		return append(dst, '\\', byte(c))
	case c >= 8 && c <= 13 && c != 11:
		return append(dst, '\\', shortOnes[c-8])
	case c < 0x20:
		return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
	}
	return utf8.AppendRune(dst, c)
}

// unescape returns the character of the escape at the start of b and its length. The
// scanner has checked the escape. Two surrogates are one character; a lone one, which
// UTF-8 cannot hold, is U+FFFD.
func unescape(b []byte) (rune, int) {
	switch c := b[1]; c {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		c := hex4(b[2:6])
		if !utf16.IsSurrogate(c) {
			return c, 6
		}
		if len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
			if pair := utf16.DecodeRune(c, hex4(b[8:12])); pair != utf8.RuneError {
				return pair, 12
			}
		}
		return utf8.RuneError, 6
	default: // quote, backslash, slash
		return rune(c), 2
	}
}

// hex4 reads four hexadecimal digits; -1 if they are none.
func hex4(b []byte) rune {
	var v rune
	for _, c := range b[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		v = v<<4 | rune(c)
	}
	return v
}
