package call

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"

	"hunting-exporter/hunting"
)

// maxErrorBody bounds what is read of an answer that is no result.
const maxErrorBody = 64 << 10

var (
	errTooBig   = errors.New("the answer is too large")
	errEncoding = errors.New("the answer comes in an encoding that was not asked for")
)

var unzippers sync.Pool

// body is the decoded body of an answer on its way in. It ends with io.EOF only where the
// end was seen: of the body by its length or last chunk, and of the gzip stream by its
// checksum. Every other end, and a body beyond the limit, is an error that stays.
type body struct {
	r     io.Reader
	limit int64 // of bytes, encoded and decoded
	left  int64 // of it, decoded
	zip   *gzip.Reader
	err   error // which ended it
}

// open begins to read the body of an answer. The caller closes it.
func open(resp *http.Response, limit int64) (*body, error) {
	return openBody(resp.Body, resp.Header.Get("Content-Encoding"), resp.ContentLength, limit)
}

// openBody begins to read a body of a stated length, -1 for none, in an encoding.
func openBody(r io.Reader, encoding string, length, limit int64) (*body, error) {
	b := &body{limit: limit, left: limit}
	if length > limit {
		return nil, b.tooBig()
	}
	b.r = &bounded{r: r, left: limit}
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return b, nil
	case "gzip", "x-gzip":
		return b, b.unzip()
	}
	return nil, fmt.Errorf("%w: Content-Encoding %q", errEncoding, Shorten(encoding))
}

// unzip puts gzip between, whose header has to be there.
func (b *body) unzip() (err error) {
	z, ok := unzippers.Get().(*gzip.Reader)
	if ok {
		err = z.Reset(b.r)
	} else {
		z, err = gzip.NewReader(b.r)
	}
	if err != nil {
		return b.seen(cut(err))
	}
	b.r, b.zip = z, z
	return nil
}

// cut is a reader's error with no end of the stream in it.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %s", io.ErrUnexpectedEOF, err.Error())
	}
	return err
}

// Read reads on.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	switch {
	case b.left < 0:
		return 0, b.seen(errTooBig)
	case err == io.EOF: // not errors.Is: an error around EOF is a cut, not an end
		b.err = io.EOF
	case err != nil:
		b.err = b.seen(cut(err))
	}
	return n, b.err
}

// seen keeps the error that ended the body.
func (b *body) seen(err error) error {
	if errors.Is(err, errTooBig) {
		err = b.tooBig()
	}
	b.err = err
	return err
}

// failure is the error that ended the body before its end; nil: none did.
func (b *body) failure() error {
	if errors.Is(b.err, io.EOF) { // no other error has it inside: see cut
		return nil
	}
	return b.err
}

// end makes sure that all of the body was read.
func (b *body) end() error {
	n, err := io.Copy(io.Discard, b)
	if err == nil && n > 0 {
		err = fmt.Errorf("%w: there is more after its end", hunting.ErrMalformed)
	}
	return err
}

// close keeps what can be used again. The body cannot be read any more.
func (b *body) close() {
	if b.zip != nil {
		unzippers.Put(b.zip)
	}
	b.r, b.zip, b.err = nil, nil, io.ErrClosedPipe
}

func (b *body) tooBig() error {
	return fmt.Errorf("%w: more than %d bytes", errTooBig, b.limit)
}

// bounded is a reader that fails, instead of ending, at its limit.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errTooBig
	}
	return n, err
}

// beginning is the first bytes of a body that is no result; it may be cut.
func beginning(resp *http.Response) []byte {
	b, err := openBody(resp.Body, resp.Header.Get("Content-Encoding"), -1, maxErrorBody)
	if err != nil {
		return nil
	}
	defer b.close()
	var text bytes.Buffer
	_, _ = text.ReadFrom(io.LimitReader(b, maxErrorBody)) // of a broken one, what came will do
	return text.Bytes()
}
