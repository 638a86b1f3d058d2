package transform

import (
	"bytes"
	"errors"

	"hunting-exporter/hunting"
)

// companion is the end of every key by which Graph says a value's type.
const companion = "@odata.type"

var errUTF8 = errors.New("bytes that are not UTF-8")

// canonical reads the value at the cursor and appends it as canonical compact JSON: the
// same value gives the same bytes whichever flavour wrote it. Keys keep their order and
// numbers their text. What is canonical as it stands is copied in long pieces; the last
// one, rest, is left to the caller and belongs behind out. Of a value that was canonical
// it is all.
func (s *scanner) canonical(dst []byte, depth int) (out, rest []byte, err error) {
	s.peek()
	s.from = s.i
	dst, err = s.canonicalValue(dst, depth)
	return dst, s.b[s.from:s.i], err
}

func (s *scanner) canonicalValue(dst []byte, depth int) ([]byte, error) {
	if s.i >= len(s.b) {
		return dst, errEnd
	}
	switch s.b[s.i] {
	case '{':
		return s.canonicalObject(dst, depth+1)
	case '[':
		return s.canonicalArray(dst, depth+1)
	case '"':
		start := s.i
		r, err := s.checked()
		return s.requote(dst, start, r), err
	case 't', 'f', 'n':
		_, err := s.literal()
		return dst, err
	}
	_, _, err := s.number()
	return dst, err
}

// checked reads a string that has to be UTF-8.
func (s *scanner) checked() (raw, error) {
	r, err := s.str()
	if err == nil && !r.validUTF8() {
		err = errUTF8
	}
	return r, err
}

// requote puts the string that began at start into its canonical form.
func (s *scanner) requote(dst []byte, start int, r raw) []byte {
	if !r.escaped {
		return dst
	}
	dst = s.flush(dst, start)
	s.from = s.i
	return r.appendQuoted(dst)
}

// flush appends what has been read up to end and is canonical.
func (s *scanner) flush(dst []byte, end int) []byte { return append(dst, s.b[s.from:end]...) }

// squeeze leaves out the white space at the cursor.
func (s *scanner) squeeze(dst []byte) []byte {
	if s.i < len(s.b) && s.b[s.i] > ' ' {
		return dst
	}
	return s.leaveOut(dst)
}

func (s *scanner) leaveOut(dst []byte) []byte {
	dst = s.flush(dst, s.i)
	s.peek()
	s.from = s.i
	return dst
}

// enter reads an opening byte; more is false where the closing byte followed at once.
func (s *scanner) enter(dst []byte, closing byte) (_ []byte, more bool) {
	s.i++
	dst = s.squeeze(dst)
	if s.i < len(s.b) && s.b[s.i] == closing {
		s.i++
		return dst, false
	}
	return dst, true
}

func (s *scanner) canonicalObject(dst []byte, depth int) (_ []byte, err error) {
	if depth > s.maxDepth {
		return dst, s.tooDeep()
	}
	dst, more := s.enter(dst, '}')
	kept := false // a member, so far
	for more {
		dst = s.squeeze(dst)
		start := s.i
		key, err := s.checked()
		if err != nil {
			return dst, err
		}
		if s.graph && key.isCompanion() {
			if dst, more, err = s.dropMember(dst, start, kept, depth); err != nil {
				return dst, err
			}
			continue
		}
		kept = true
		dst = s.squeeze(s.requote(dst, start, key))
		if err := s.take(':'); err != nil {
			return dst, err
		}
		if dst, err = s.canonicalValue(s.squeeze(dst), depth); err != nil {
			return dst, err
		}
		dst = s.squeeze(dst)
		if more, err = s.more('}'); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// dropMember leaves out the member whose key began at start and has been read, with the
// comma behind it or, of the last one, before it.
func (s *scanner) dropMember(dst []byte, start int, kept bool, depth int) (_ []byte, more bool, err error) {
	dst = s.flush(dst, start)
	if err = s.take(':'); err == nil {
		err = s.skip(depth)
	}
	if err == nil {
		more, err = s.more('}')
	}
	s.from = s.i
	if !more && err == nil {
		s.from-- // the brace stays
		if kept {
			dst = dst[:len(dst)-1]
		}
	}
	return dst, more, err
}

func (s *scanner) canonicalArray(dst []byte, depth int) (_ []byte, err error) {
	if depth > s.maxDepth {
		return dst, s.tooDeep()
	}
	dst, more := s.enter(dst, ']')
	for more {
		dst = s.squeeze(dst)
		if s.graph && !s.inText && s.i < len(s.b) && s.b[s.i] == '"' {
			dst, err = s.element(dst, depth)
		} else {
			dst, err = s.canonicalValue(dst, depth)
		}
		if err != nil {
			return dst, err
		}
		dst = s.squeeze(dst)
		if more, err = s.more(']'); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// isCompanion reports whether the key is Graph's word on a value's type.
func (r raw) isCompanion() bool {
	b := r.b
	if r.escaped {
		b = r.appendTo(nil)
	}
	return bytes.HasSuffix(b, []byte(companion))
}

// element reads a string of a Graph array; one that is the JSON text of an object or
// array is put back as such. Strings inside of that text stay strings: the text is
// Kusto's own, where objects are objects.
func (s *scanner) element(dst []byte, depth int) ([]byte, error) {
	start := s.i
	r, err := s.checked()
	if err != nil || !r.mayBeJSON() {
		return s.requote(dst, start, r), err
	}
	dst = s.flush(dst, start)
	s.from = s.i
	s.text = r.appendTo(s.text[:0])
	inner := scanner{b: s.text, maxDepth: s.maxDepth, graph: true, inText: true}
	if c := inner.peek(); c != '{' && c != '[' {
		return r.appendQuoted(dst), nil
	}
	mark := len(dst)
	dst, rest, err := inner.canonical(dst, depth)
	switch {
	case errors.Is(err, hunting.ErrLimit):
		return dst, err
	case err != nil || inner.peek() != 0 || inner.i < len(inner.b):
		return r.appendQuoted(dst[:mark]), nil // it only looked like JSON
	}
	return append(dst, rest...), nil
}

// mayBeJSON is false for most strings that are no JSON text of an object or array.
func (r raw) mayBeJSON() bool {
	if len(r.b) == 0 {
		return false
	}
	c := r.b[0]
	return c == '{' || c == '[' || c == '\\' || c <= ' '
}
