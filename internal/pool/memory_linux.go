//go:build !race

package pool

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// large is from where on a slice is mapped by itself.
const large = 256 << 10

// allocate makes a slice of so many bytes. Large ones lie outside of Go's heap, so that the
// collector neither lets garbage of their size pile up nor keeps what was let go.
func allocate(size int) []byte {
	if size < large {
		return make([]byte, size)
	}
	b, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		panic(fmt.Sprintf("out of memory: map %d bytes: %v", size, err)) // as the runtime does
	}
	return b
}

// resized makes one slice of another, with what it holds as far as there is room. The memory
// moves, page by page: new pages would have to be cleared by the kernel, and copied to.
func resized(b []byte, size int) []byte {
	if min(cap(b), size) < large {
		panic("resized: the slice is not mapped")
	}
	b, err := unix.Mremap(b[:cap(b)], size, unix.MREMAP_MAYMOVE)
	if err != nil {
		panic(fmt.Sprintf("out of memory: map %d bytes: %v", size, err))
	}
	return b
}

// free lets go of what allocate made.
func free(b []byte) {
	if cap(b) < large {
		return
	}
	if err := unix.Munmap(b[:cap(b)]); err != nil {
		panic(fmt.Sprintf("unmap: %v", err))
	}
}
