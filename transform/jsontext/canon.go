package jsontext

import (
	"bytes"
	"errors"

	"hunting-exporter/hunting"
)

// companion is the end of every key by which Graph says a value's type.
const companion = "@odata.type"

// ErrUTF8: what a text holds is no UTF-8.
var ErrUTF8 = errors.New("bytes that are not UTF-8")

// Canonical reads the value at the cursor and appends it as canonical compact JSON: the
// same value gives the same bytes whichever flavour wrote it. Keys keep their order and
// numbers their text. What is canonical as it stands is copied in long pieces; the last
// one, rest, is left to the caller and belongs behind out. Of a value that was canonical
// it is all.
func (s *Scanner) Canonical(dst []byte, depth int) (out, rest []byte, err error) {
	s.Peek()
	s.from = s.Pos
	dst, err = s.canonicalValue(dst, depth)
	return dst, s.Bytes[s.from:s.Pos], err
}

func (s *Scanner) canonicalValue(dst []byte, depth int) ([]byte, error) {
	if s.Pos >= len(s.Bytes) {
		return dst, ErrEnd
	}
	switch s.Bytes[s.Pos] {
	case '{':
		return s.canonicalObject(dst, depth+1)
	case '[':
		return s.canonicalArray(dst, depth+1)
	case '"':
		start := s.Pos
		r, err := s.checked()
		return s.requote(dst, start, r), err
	case 't', 'f', 'n':
		_, err := s.Literal()
		return dst, err
	}
	_, _, err := s.Number()
	return dst, err
}

// checked reads a string that has to be UTF-8.
func (s *Scanner) checked() (Raw, error) {
	r, err := s.Str()
	if err == nil && !r.ValidUTF8() {
		err = ErrUTF8
	}
	return r, err
}

// requote puts the string that began at start into its canonical form.
func (s *Scanner) requote(dst []byte, start int, r Raw) []byte {
	if !r.Escaped {
		return dst
	}
	dst = s.flush(dst, start)
	s.from = s.Pos
	return r.AppendQuoted(dst)
}

// flush appends what has been read up to end and is canonical.
func (s *Scanner) flush(dst []byte, end int) []byte { return append(dst, s.Bytes[s.from:end]...) }

// squeeze leaves out the white space at the cursor.
func (s *Scanner) squeeze(dst []byte) []byte {
	if s.Pos < len(s.Bytes) && s.Bytes[s.Pos] > ' ' {
		return dst
	}
	return s.leaveOut(dst)
}

func (s *Scanner) leaveOut(dst []byte) []byte {
	dst = s.flush(dst, s.Pos)
	s.Peek()
	s.from = s.Pos
	return dst
}

// enter reads an opening byte; more is false where the closing byte followed at once.
func (s *Scanner) enter(dst []byte, closing byte) (_ []byte, more bool) {
	s.Pos++
	dst = s.squeeze(dst)
	if s.Pos < len(s.Bytes) && s.Bytes[s.Pos] == closing {
		s.Pos++
		return dst, false
	}
	return dst, true
}

func (s *Scanner) canonicalObject(dst []byte, depth int) (_ []byte, err error) {
	if depth > s.MaxDepth {
		return dst, s.tooDeep()
	}
	dst, more := s.enter(dst, '}')
	kept := false // a member, so far
	for more {
		dst = s.squeeze(dst)
		start := s.Pos
		key, err := s.checked()
		if err != nil {
			return dst, err
		}
		if s.Graph && key.isCompanion() {
			if dst, more, err = s.dropMember(dst, start, kept, depth); err != nil {
				return dst, err
			}
			continue
		}
		kept = true
		dst = s.squeeze(s.requote(dst, start, key))
		if err := s.Take(':'); err != nil {
			return dst, err
		}
		if dst, err = s.canonicalValue(s.squeeze(dst), depth); err != nil {
			return dst, err
		}
		dst = s.squeeze(dst)
		if more, err = s.More('}'); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// dropMember leaves out the member whose key began at start and has been read, with the
// comma behind it or, of the last one, before it.
func (s *Scanner) dropMember(dst []byte, start int, kept bool, depth int) (_ []byte, more bool, err error) {
	dst = s.flush(dst, start)
	if err = s.Take(':'); err == nil {
		err = s.Skip(depth)
	}
	if err == nil {
		more, err = s.More('}')
	}
	s.from = s.Pos
	if !more && err == nil {
		s.from-- // the brace stays
		if kept {
			dst = dst[:len(dst)-1]
		}
	}
	return dst, more, err
}

func (s *Scanner) canonicalArray(dst []byte, depth int) (_ []byte, err error) {
	if depth > s.MaxDepth {
		return dst, s.tooDeep()
	}
	dst, more := s.enter(dst, ']')
	for more {
		dst = s.squeeze(dst)
		if s.Graph && !s.inText && s.Pos < len(s.Bytes) && s.Bytes[s.Pos] == '"' {
			dst, err = s.element(dst, depth)
		} else {
			dst, err = s.canonicalValue(dst, depth)
		}
		if err != nil {
			return dst, err
		}
		dst = s.squeeze(dst)
		if more, err = s.More(']'); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// isCompanion reports whether the key is Graph's word on a value's type.
func (r Raw) isCompanion() bool {
	b := r.Bytes
	if r.Escaped {
		b = r.AppendTo(nil)
	}
	return bytes.HasSuffix(b, []byte(companion))
}

// element reads a string of a Graph array; one that is the JSON text of an object or
// array is put back as such. Strings inside of that text stay strings: the text is
// Kusto's own, where objects are objects.
func (s *Scanner) element(dst []byte, depth int) ([]byte, error) {
	start := s.Pos
	r, err := s.checked()
	if err != nil || !r.mayBeJSON() {
		return s.requote(dst, start, r), err
	}
	dst = s.flush(dst, start)
	s.from = s.Pos
	s.Text = r.AppendTo(s.Text[:0])
	inner := Scanner{Bytes: s.Text, MaxDepth: s.MaxDepth, Graph: true, inText: true}
	if c := inner.Peek(); c != '{' && c != '[' {
		return r.AppendQuoted(dst), nil
	}
	mark := len(dst)
	dst, rest, err := inner.Canonical(dst, depth)
	switch {
	case errors.Is(err, hunting.ErrLimit):
		return dst, err
	case err != nil || inner.Peek() != 0 || inner.Pos < len(inner.Bytes):
		return r.AppendQuoted(dst[:mark]), nil // it only looked like JSON
	}
	return append(dst, rest...), nil
}

// mayBeJSON is false for most strings that are no JSON text of an object or array.
func (r Raw) mayBeJSON() bool {
	if len(r.Bytes) == 0 {
		return false
	}
	c := r.Bytes[0]
	return c == '{' || c == '[' || c == '\\' || c <= ' '
}
