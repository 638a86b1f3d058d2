// Package jsontext is a strict scanner of JSON text, of which more may be to come, and its
// canonical form.
package jsontext

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"strings"

	"hunting-exporter/hunting"
)

// ErrEnd: the text ends in the middle. There may be more of it.
var ErrEnd = errors.New("the text ends in the middle")

// Scanner walks over JSON text. It is strict: what encoding/json refuses, it refuses.
type Scanner struct {
	Bytes    []byte
	Pos      int
	Base     int64 // where b begins in the document
	MaxDepth int
	Graph    bool // the text is Graph's: companions and objects as text
	inText   bool // b is itself JSON text out of a string: nothing more is put back

	from int    // where text begins that is canonical and has yet to be copied
	Text []byte // room for unescaping
}

// Malformed is an error about what stands at the cursor, or ErrEnd behind the text.
func (s *Scanner) Malformed(what string) error {
	if s.Pos >= len(s.Bytes) {
		return ErrEnd
	}
	return fmt.Errorf("%w: byte %d: %s", hunting.ErrMalformed, s.Base+int64(s.Pos), what)
}

func (s *Scanner) tooDeep() error {
	return fmt.Errorf("%w: byte %d: nested more than %d deep; raise TRANSFORM_MAX_DEPTH if the data is genuine",
		hunting.ErrLimit, s.Base+int64(s.Pos), s.MaxDepth)
}

// Peek skips white space and returns the byte there; 0, which begins nothing, at the end.
func (s *Scanner) Peek() byte {
	for s.Pos < len(s.Bytes) {
		switch c := s.Bytes[s.Pos]; c {
		case ' ', '\t', '\n', '\r':
			s.Pos++
		default:
			return c
		}
	}
	return 0
}

// Take skips white space and then the byte c.
func (s *Scanner) Take(c byte) error {
	if s.Peek() != c {
		return s.Malformed("expected " + string(rune(c)))
	}
	s.Pos++
	return nil
}

// More is called behind an element: true for a comma, false for the closing byte.
func (s *Scanner) More(closing byte) (bool, error) {
	switch c := s.Peek(); {
	case c == ',':
		s.Pos++
		return true, nil
	case c == closing:
		s.Pos++
		return false, nil
	}
	return false, s.Malformed("expected , or " + string(rune(closing)))
}

// Open skips an opening byte; empty is true where the closing byte followed at once.
func (s *Scanner) Open(closing byte) (empty bool) {
	s.Pos++
	if s.Peek() == closing {
		s.Pos++
		return true
	}
	return false
}

// Raw is the inside of a JSON string as it stands in the text.
type Raw struct {
	Bytes   []byte
	Escaped bool // has a backslash
	high    bool // may have bytes beyond ASCII
}

const (
	ones = 0x0101010101010101
	// HighBits are those of eight bytes that none of ASCII has.
	HighBits = 0x8080808080808080
)

// Str scans the string that begins at the cursor. Escapes are checked, UTF-8 is not.
func (s *Scanner) Str() (Raw, error) {
	if s.Pos >= len(s.Bytes) || s.Bytes[s.Pos] != '"' {
		return Raw{}, s.Malformed("expected a string")
	}
	b, i := s.Bytes, s.Pos+1
	start := i
	var seen uint64
	escaped := false
	for {
		// Eight bytes at a time: the lowest flag is that of the first quote, backslash or
		// control character. Flags above it may be false, and are not looked at. With bit 1
		// flipped, control characters and the quote are what is below 0x21.
		for i+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[i:])
			below, slash := w^(ones*2), w^(ones*'\\')
			m := ((below-ones*0x21)&^below | (slash-ones)&^slash) & HighBits
			seen |= w
			if m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				break
			}
			i += 8
		}
		if i >= len(b) {
			s.Pos = len(b)
			return Raw{}, s.Malformed("a string is not closed")
		}
		switch c := b[i]; {
		case c == '"':
			s.Pos = i + 1
			return Raw{Bytes: b[start:i], Escaped: escaped, high: seen&HighBits != 0}, nil
		case c == '\\':
			n := escapeLen(b[i:])
			if n == 0 {
				if s.Pos = i; len(b)-i < longestEscape && !bytes.ContainsAny(b[i+1:], `"`) {
					s.Pos = len(b) // it may be cut
				}
				return Raw{}, s.Malformed("bad escape in a string")
			}
			escaped = true
			i += n
		case c < 0x20:
			s.Pos = i
			return Raw{}, s.Malformed("control character in a string")
		default: // within the last seven bytes
			seen |= uint64(c)
			i++
		}
	}
}

// longestEscape is that of \u0000.
const longestEscape = 6

// escapeLen returns the length of the escape at the start of b, 0 if it is none.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) >= 6 && hex4(b[2:6]) >= 0 {
			return 6
		}
	}
	return 0
}

// Number scans the number at the cursor; whole is false with a fraction or exponent. One
// at the end of the text may go on.
func (s *Scanner) Number() (text []byte, whole bool, err error) {
	n, whole := NumberLen(s.Bytes[s.Pos:])
	if s.Pos+n >= len(s.Bytes) || n == 0 && len(bytes.TrimLeft(s.Bytes[s.Pos:], "-+.0123456789eE")) == 0 {
		return nil, false, ErrEnd
	}
	if n == 0 {
		return nil, false, s.Malformed("expected a value")
	}
	text = s.Bytes[s.Pos : s.Pos+n]
	s.Pos += n
	return text, whole, nil
}

// Literal skips true, false or null and returns its first letter.
func (s *Scanner) Literal() (byte, error) {
	rest, word := s.Bytes[s.Pos:], "null"
	if len(rest) > 0 && rest[0] != 'n' {
		if word = "true"; rest[0] == 'f' {
			word = "false"
		}
	}
	if len(rest) >= len(word) && string(rest[:len(word)]) == word {
		s.Pos += len(word)
		return word[0], nil
	}
	if len(rest) < len(word) && strings.HasPrefix(word, string(rest)) {
		return 0, ErrEnd
	}
	return 0, s.Malformed("expected a value")
}

// Skip checks and skips the value at the cursor, which is depth levels deep.
func (s *Scanner) Skip(depth int) error {
	switch s.Peek() {
	case '{':
		return s.skipObject(depth + 1)
	case '[':
		return s.skipArray(depth + 1)
	case '"':
		_, err := s.Str()
		return err
	case 't', 'f', 'n':
		_, err := s.Literal()
		return err
	}
	_, _, err := s.Number()
	return err
}

func (s *Scanner) skipObject(depth int) error {
	if depth > s.MaxDepth {
		return s.tooDeep()
	}
	if s.Open('}') {
		return nil
	}
	for {
		s.Peek()
		if _, err := s.Str(); err != nil {
			return err
		}
		if err := s.Take(':'); err != nil {
			return err
		}
		if err := s.Skip(depth); err != nil {
			return err
		}
		if more, err := s.More('}'); err != nil || !more {
			return err
		}
	}
}

func (s *Scanner) skipArray(depth int) error {
	if depth > s.MaxDepth {
		return s.tooDeep()
	}
	if s.Open(']') {
		return nil
	}
	for {
		if err := s.Skip(depth); err != nil {
			return err
		}
		if more, err := s.More(']'); err != nil || !more {
			return err
		}
	}
}
