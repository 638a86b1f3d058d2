package transform

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"strings"

	"hunting-exporter/hunting"
)

// errEnd: the text ends in the middle. There may be more of it.
var errEnd = errors.New("the text ends in the middle")

// scanner walks over JSON text. It is strict: what encoding/json refuses, it refuses.
type scanner struct {
	b        []byte
	i        int
	base     int64 // where b begins in the document
	maxDepth int
	graph    bool // the text is Graph's: companions and objects as text
	inText   bool // b is itself JSON text out of a string: nothing more is put back

	from int    // where text begins that is canonical and has yet to be copied
	text []byte // room for unescaping
}

func (s *scanner) malformed(what string) error {
	if s.i >= len(s.b) {
		return errEnd
	}
	return fmt.Errorf("%w: byte %d: %s", hunting.ErrMalformed, s.base+int64(s.i), what)
}

func (s *scanner) tooDeep() error {
	return fmt.Errorf("%w: byte %d: nested more than %d deep; raise TRANSFORM_MAX_DEPTH if the data is genuine",
		hunting.ErrLimit, s.base+int64(s.i), s.maxDepth)
}

// peek skips white space and returns the byte there; 0, which begins nothing, at the end.
func (s *scanner) peek() byte {
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return c
		}
	}
	return 0
}

// take skips white space and then the byte c.
func (s *scanner) take(c byte) error {
	if s.peek() != c {
		return s.malformed("expected " + string(rune(c)))
	}
	s.i++
	return nil
}

// more is called behind an element: true for a comma, false for the closing byte.
func (s *scanner) more(closing byte) (bool, error) {
	switch c := s.peek(); {
	case c == ',':
		s.i++
		return true, nil
	case c == closing:
		s.i++
		return false, nil
	}
	return false, s.malformed("expected , or " + string(rune(closing)))
}

// open skips an opening byte; empty is true where the closing byte followed at once.
func (s *scanner) open(closing byte) (empty bool) {
	s.i++
	if s.peek() == closing {
		s.i++
		return true
	}
	return false
}

// raw is the inside of a JSON string as it stands in the text.
type raw struct {
	b       []byte
	escaped bool // has a backslash
	high    bool // may have bytes beyond ASCII
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// str scans the string that begins at the cursor. Escapes are checked, UTF-8 is not.
func (s *scanner) str() (raw, error) {
	if s.i >= len(s.b) || s.b[s.i] != '"' {
		return raw{}, s.malformed("expected a string")
	}
	b, i := s.b, s.i+1
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
			m := ((below-ones*0x21)&^below | (slash-ones)&^slash) & highs
			seen |= w
			if m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				break
			}
			i += 8
		}
		if i >= len(b) {
			s.i = len(b)
			return raw{}, s.malformed("a string is not closed")
		}
		switch c := b[i]; {
		case c == '"':
			s.i = i + 1
			return raw{b: b[start:i], escaped: escaped, high: seen&highs != 0}, nil
		case c == '\\':
			n := escapeLen(b[i:])
			if n == 0 {
				if s.i = i; len(b)-i < longestEscape && !bytes.ContainsAny(b[i+1:], `"`) {
					s.i = len(b) // it may be cut
				}
				return raw{}, s.malformed("bad escape in a string")
			}
			escaped = true
			i += n
		case c < 0x20:
			s.i = i
			return raw{}, s.malformed("control character in a string")
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

// number scans the number at the cursor; whole is false with a fraction or exponent. One
// at the end of the text may go on.
func (s *scanner) number() (text []byte, whole bool, err error) {
	n, whole := numberLen(s.b[s.i:])
	if s.i+n >= len(s.b) || n == 0 && len(bytes.TrimLeft(s.b[s.i:], "-+.0123456789eE")) == 0 {
		return nil, false, errEnd
	}
	if n == 0 {
		return nil, false, s.malformed("expected a value")
	}
	text = s.b[s.i : s.i+n]
	s.i += n
	return text, whole, nil
}

// literal skips true, false or null and returns its first letter.
func (s *scanner) literal() (byte, error) {
	rest, word := s.b[s.i:], "null"
	if len(rest) > 0 && rest[0] != 'n' {
		if word = "true"; rest[0] == 'f' {
			word = "false"
		}
	}
	if len(rest) >= len(word) && string(rest[:len(word)]) == word {
		s.i += len(word)
		return word[0], nil
	}
	if len(rest) < len(word) && strings.HasPrefix(word, string(rest)) {
		return 0, errEnd
	}
	return 0, s.malformed("expected a value")
}

// skip checks and skips the value at the cursor, which is depth levels deep.
func (s *scanner) skip(depth int) error {
	switch s.peek() {
	case '{':
		return s.skipObject(depth + 1)
	case '[':
		return s.skipArray(depth + 1)
	case '"':
		_, err := s.str()
		return err
	case 't', 'f', 'n':
		_, err := s.literal()
		return err
	}
	_, _, err := s.number()
	return err
}

func (s *scanner) skipObject(depth int) error {
	if depth > s.maxDepth {
		return s.tooDeep()
	}
	if s.open('}') {
		return nil
	}
	for {
		s.peek()
		if _, err := s.str(); err != nil {
			return err
		}
		if err := s.take(':'); err != nil {
			return err
		}
		if err := s.skip(depth); err != nil {
			return err
		}
		if more, err := s.more('}'); err != nil || !more {
			return err
		}
	}
}

func (s *scanner) skipArray(depth int) error {
	if depth > s.maxDepth {
		return s.tooDeep()
	}
	if s.open(']') {
		return nil
	}
	for {
		if err := s.skip(depth); err != nil {
			return err
		}
		if more, err := s.more(']'); err != nil || !more {
			return err
		}
	}
}
