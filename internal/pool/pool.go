// Package pool lends byte slices, so that the buffers of pages, row groups and parts are
// made once and used again, and counts what is lent.
//
// It guarantees that a slice is lent to one holder at a time, as long as each gives back
// only what was lent to it, once. Large slices lie outside of Go's heap: what is not given
// back is lost until the process ends. It implements Arrow's allocator: an array over a
// lent slice gives it back with its last reference.
package pool

import (
	"math/bits"
	"sync"
)

// Pool lends slices. The zero Pool is ready; it is safe for concurrent use.
type Pool struct {
	mu   sync.Mutex
	idle [65 * steps][][]byte // by class
	kept int64                // bytes of idle
	lent int64
	peak int64 // the most that was lent
}

// Sizes are four to a power of two, so that at most a fifth of a slice is unused.
const (
	steps    = 4
	smallest = 1 << 8
)

// firstLarge is the class of the smallest slices that can be resized.
var firstLarge, _ = class(large)

// class returns the class whose slices hold at least n bytes, and their size.
func class(n int) (index, size int) {
	n = max(n, smallest)
	octave := bits.Len(uint(n - 1)) // n <= 1<<octave
	quarter := 1 << (octave - 3)
	k := (n - (1 << (octave - 1)) + quarter - 1) / quarter
	return octave*steps + k, 1<<(octave-1) + k*quarter
}

// Get lends a slice of length 0 with room for at least n bytes, and up to half as much
// again. What it held before is still there.
func (p *Pool) Get(n int) []byte {
	at, size := class(n)
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.take(at, at+2)
	if b == nil {
		b = p.make(at, size)
	}
	p.count(cap(b))
	return b[:0]
}

// count notes that so many bytes more are lent.
func (p *Pool) count(more int) {
	p.lent += int64(more)
	p.peak = max(p.peak, p.lent)
}

// make makes a slice of a class, of an idle one of about its size if there is one.
func (p *Pool) make(at, size int) []byte {
	var near []byte
	for off := 1; near == nil && size >= large && off <= steps; off++ {
		if near = p.take(at+off, at+off+1); near == nil && at-off >= firstLarge {
			near = p.take(at-off, at-off+1)
		}
	}
	p.shrink(int64(size))
	if near != nil {
		return resized(near, size)
	}
	return allocate(size)
}

// take is an idle slice of one of the classes, the smallest; nil: there is none.
func (p *Pool) take(from, to int) []byte {
	for c := from; c < min(to, len(p.idle)); c++ {
		if idle := p.idle[c]; len(idle) > 0 {
			b := idle[len(idle)-1]
			idle[len(idle)-1] = nil // or it would stay reachable
			p.idle[c] = idle[:len(idle)-1]
			p.kept -= int64(cap(b))
			return b
		}
	}
	return nil
}

// shrink lets idle slices go that are of no use, so that the pool does not come to have
// more than was ever needed at once.
func (p *Pool) shrink(more int64) {
	for p.kept > 0 && p.lent+p.kept+more > p.peak {
		free(p.take(0, len(p.idle)))
	}
}

// Put takes back a slice that Get lent, whatever its length is by now. A slice of nil is
// no slice.
func (p *Pool) Put(b []byte) {
	if cap(b) == 0 {
		return
	}
	at, size := class(cap(b))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lent -= int64(size)
	p.kept += int64(size)
	p.idle[at] = append(p.idle[at], b[:0])
}

// Grow returns a slice that holds what b holds and has room for at least n bytes in all;
// b, which may be that slice, must not be used any more.
func (p *Pool) Grow(b []byte, n int) []byte {
	if cap(b) >= n {
		return b
	}
	return p.enlarge(b, max(n, 2*cap(b)))
}

// enlarge returns a slice that holds what b holds and has room for at least n bytes.
func (p *Pool) enlarge(b []byte, n int) []byte {
	if cap(b) < large {
		enlarged := append(p.Get(n), b...)
		p.Put(b)
		return enlarged
	}
	_, size := class(n)
	p.mu.Lock()
	defer p.mu.Unlock()
	more := size - cap(b)
	p.shrink(int64(more))
	p.count(more)
	return resized(b, size)[:len(b)]
}

// Lent is the number of bytes that are lent now, and Peak the most that ever were.
func (p *Pool) Lent() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lent
}

// Peak is the most bytes that were ever lent at once.
func (p *Pool) Peak() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.peak
}

// Allocate, Reallocate and Free make a Pool Arrow's allocator.
func (p *Pool) Allocate(size int) []byte { return p.Get(size)[:size] }

// Reallocate returns b with size bytes.
func (p *Pool) Reallocate(size int, b []byte) []byte { return p.Grow(b, size)[:size] }

// Free takes b back.
func (p *Pool) Free(b []byte) { p.Put(b) }
