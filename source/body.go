package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
)

// maxBody bounds an answer, compressed as well as not. The API's own limit is 50 MB.
const maxBody = 512 << 20

// maxErrorBody bounds what is read of an answer that is no result.
const maxErrorBody = 64 << 10

// largeBody is from where a body counts as large: how far one without a stated length
// grows by doubling before it gets the room that the large ones before it needed.
const largeBody = 1 << 20

var errTooBig = errors.New("the answer is too large")

// buffers keeps bodies for the next answers; an answer may be tens of megabytes.
type buffers struct {
	pool    sync.Pool
	typical atomic.Int64 // bytes of the large answers before; 0: there was none
}

// get is an empty buffer with room for at least so many bytes.
func (b *buffers) get(room int64) []byte {
	const least = 64 << 10
	if p, ok := b.pool.Get().(*[]byte); ok && int64(cap(*p)) >= room {
		return (*p)[:0]
	}
	return make([]byte, 0, max(room, least))
}

// expect is the size of the next large answer, or 0: there was none before.
func (b *buffers) expect() int64 { return b.typical.Load() + b.typical.Load()/16 }

// saw takes the size of an answer in. What is expected rises at once and falls slowly:
// too little costs a copy, too much only room.
func (b *buffers) saw(size int) {
	if size < largeBody {
		return
	}
	typical := b.typical.Load()
	b.typical.Store(max(int64(size), typical-typical/8))
}

// free is a function that gives body back, once.
func (b *buffers) free(body []byte) func() {
	var once sync.Once
	return func() { once.Do(func() { b.pool.Put(&body) }) }
}

var unzippers sync.Pool

// download is a body on its way in.
type download struct {
	r        io.Reader
	encoding string // Content-Encoding, in lower case
	length   int64  // as stated, encoded; -1: not stated
	limit    int64  // of bytes, encoded and decoded
	expect   int64  // decoded size that a large one may have; 0: not known
}

// open is the body of an answer, to be read up to a limit.
func open(resp *http.Response, limit int64) download {
	encoding := strings.ToLower(strings.TrimSpace(resp.Header.Get("Content-Encoding")))
	return download{r: resp.Body, encoding: encoding, length: resp.ContentLength, limit: limit}
}

// room is how much a buffer should hold before anything is known but the header.
func (d download) room() int64 {
	if d.plain() && d.length > 0 && d.length <= d.limit {
		return d.length + bytes.MinRead // the end is seen by a read that needs room
	}
	return 0
}

func (d download) plain() bool { return d.encoding == "" || d.encoding == "identity" }

// read appends the whole body to into. It fails unless the end was seen: of the body by
// its length or last chunk, and of the gzip stream by its checksum.
func (d download) read(into []byte) ([]byte, error) {
	if d.length > d.limit {
		return into, d.tooBig()
	}
	raw := io.Reader(&bounded{r: d.r, left: d.limit})
	switch {
	case d.plain():
		return d.appendAll(into, raw)
	case d.encoding == "gzip", d.encoding == "x-gzip":
	default:
		return into, fmt.Errorf("%w: Content-Encoding %q was not asked for", errShape, shorten(d.encoding))
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
	return d.appendAll(into, z)
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
func (d download) appendAll(into []byte, r io.Reader) ([]byte, error) {
	for {
		if len(into) == cap(into) {
			into = d.grow(into)
		}
		n, err := r.Read(into[len(into):cap(into)])
		into = into[:len(into)+n]
		switch {
		case int64(len(into)) > d.limit, errors.Is(err, errTooBig):
			return into, d.tooBig()
		case err == io.EOF: // not errors.Is: an error around EOF is a cut, not an end
			return into, nil
		case err != nil:
			return into, err
		}
	}
}

// grow is into with more room: twice as much, or what a large body is expected to need.
func (d download) grow(into []byte) []byte {
	size := 2 * int64(cap(into))
	if size > largeBody {
		size = max(size, d.expect)
	}
	bigger := make([]byte, len(into), min(size, d.limit)+bytes.MinRead)
	copy(bigger, into)
	return bigger
}

func (d download) tooBig() error {
	return fmt.Errorf("%w: more than %d bytes", errTooBig, d.limit)
}
