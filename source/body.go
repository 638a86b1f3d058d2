package source

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// maxBody bounds an answer, compressed as well as not. The API's own limit is 50 MB.
const maxBody = 512 << 20

// maxErrorBody bounds what is read of an answer that is no result.
const maxErrorBody = 64 << 10

var errTooBig = errors.New("the answer is larger than 512 MiB")

// buffers keeps bodies for the next answers; an answer may be tens of megabytes.
type buffers struct{ pool sync.Pool }

func (b *buffers) get() []byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return (*p)[:0]
	}
	return make([]byte, 0, 64<<10)
}

// free is a function that gives body back, once.
func (b *buffers) free(body []byte) func() {
	var once sync.Once
	return func() { once.Do(func() { b.pool.Put(&body) }) }
}

var unzippers sync.Pool

// readBody appends the whole body to into. It fails unless the end was seen: of the
// body by its length or last chunk, and of the gzip stream by its checksum.
func readBody(body io.Reader, encoding string, into []byte, limit int64) ([]byte, error) {
	raw := io.Reader(&bounded{r: body, left: limit})
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return appendAll(into, raw, limit)
	case "gzip", "x-gzip":
	default:
		return into, fmt.Errorf("%w: Content-Encoding %q was not asked for", errShape, shorten(encoding))
	}
	z, ok := unzippers.Get().(*gzip.Reader)
	var err error
	if ok {
		err = z.Reset(raw)
	} else {
		z, err = gzip.NewReader(raw)
	}
	if errors.Is(err, io.EOF) {
		return into, io.ErrUnexpectedEOF // no byte at all
	}
	if err != nil {
		return into, err
	}
	defer unzippers.Put(z)
	return appendAll(into, z, limit)
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

// appendAll reads r to its end.
func appendAll(into []byte, r io.Reader, limit int64) ([]byte, error) {
	for {
		if len(into) == cap(into) {
			bigger := make([]byte, len(into), 2*cap(into)+512)
			copy(bigger, into)
			into = bigger
		}
		n, err := r.Read(into[len(into):cap(into)])
		into = into[:len(into)+n]
		switch {
		case int64(len(into)) > limit:
			return into, errTooBig
		case err == io.EOF: // not errors.Is: an error around EOF is a cut, not an end
			return into, nil
		case err != nil:
			return into, err
		}
	}
}
