package transform

import (
	"bytes"
	"errors"

	"hunting-exporter/pipeline"
)

// companion is the end of every key by which Graph says a value's type.
const companion = "@odata.type"

var errUTF8 = errors.New("bytes that are not UTF-8")

// canonical appends the value at the cursor as canonical compact JSON: the same value
// gives the same bytes whichever flavour wrote it. Keys keep their order and numbers
// their text. text is room for unescaping, given back for reuse.
func (s *scanner) canonical(dst, text []byte, depth int) (out, room []byte, err error) {
	switch s.peek() {
	case '{':
		return s.canonicalObject(dst, text, depth+1)
	case '[':
		return s.canonicalArray(dst, text, depth+1)
	case '"':
		r, err := s.str()
		if err != nil {
			return dst, text, err
		}
		if !r.validUTF8() {
			return dst, text, errUTF8
		}
		return r.appendQuoted(dst), text, nil
	case 't', 'f', 'n':
		start := s.i
		if _, err := s.literal(); err != nil {
			return dst, text, err
		}
		return append(dst, s.b[start:s.i]...), text, nil
	}
	number, _, err := s.number()
	return append(dst, number...), text, err
}

func (s *scanner) canonicalObject(dst, text []byte, depth int) (out, room []byte, err error) {
	if depth > s.maxDepth {
		return dst, text, s.tooDeep()
	}
	dst = append(dst, '{')
	if s.open('}') {
		return append(dst, '}'), text, nil
	}
	first := true
	for {
		s.peek()
		key, err := s.str()
		if err != nil {
			return dst, text, err
		}
		if !key.validUTF8() {
			return dst, text, errUTF8
		}
		if err := s.take(':'); err != nil {
			return dst, text, err
		}
		if s.graph && key.isCompanion() {
			err = s.skip(depth)
		} else {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = append(key.appendQuoted(dst), ':')
			dst, text, err = s.canonical(dst, text, depth)
		}
		if err != nil {
			return dst, text, err
		}
		if more, err := s.more('}'); err != nil {
			return dst, text, err
		} else if !more {
			return append(dst, '}'), text, nil
		}
	}
}

func (s *scanner) canonicalArray(dst, text []byte, depth int) (out, room []byte, err error) {
	if depth > s.maxDepth {
		return dst, text, s.tooDeep()
	}
	dst = append(dst, '[')
	if s.open(']') {
		return append(dst, ']'), text, nil
	}
	for {
		if s.peek() == '"' && s.graph && !s.inText {
			dst, text, err = s.element(dst, text, depth)
		} else {
			dst, text, err = s.canonical(dst, text, depth)
		}
		if err != nil {
			return dst, text, err
		}
		more, err := s.more(']')
		if err != nil {
			return dst, text, err
		}
		if !more {
			return append(dst, ']'), text, nil
		}
		dst = append(dst, ',')
	}
}

// isCompanion reports whether the key is Graph's word on a value's type.
func (r raw) isCompanion() bool {
	b := r.b
	if r.escaped {
		b = r.appendTo(nil)
	}
	return bytes.HasSuffix(b, []byte(companion))
}

// element appends a string of a Graph array; one that is the JSON text of an object or
// array is put back as such. Strings inside of that text stay strings: the text is
// Kusto's own, where objects are objects.
func (s *scanner) element(dst, text []byte, depth int) (out, room []byte, err error) {
	r, err := s.str()
	if err != nil {
		return dst, text, err
	}
	if !r.validUTF8() {
		return dst, text, errUTF8
	}
	text = r.appendTo(text[:0])
	inner := scanner{b: text, maxDepth: s.maxDepth, graph: true, inText: true}
	if c := inner.peek(); c != '{' && c != '[' {
		return r.appendQuoted(dst), text, nil
	}
	mark := len(dst)
	dst, _, err = inner.canonical(dst, nil, depth)
	switch {
	case errors.Is(err, pipeline.ErrLimit):
		return dst, text, err
	case err != nil || inner.peek() != 0 || inner.i < len(text):
		return r.appendQuoted(dst[:mark]), text, nil // it only looked like JSON
	}
	return dst, text, nil
}
