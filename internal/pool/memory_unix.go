//go:build unix && !race

package pool

import (
	"fmt"
	"syscall"
)

// large is from where on a slice is mapped by itself.
const large = 256 << 10

// allocate makes a slice of so many bytes. Large ones lie outside of Go's heap, so that the
// collector neither lets garbage of their size pile up nor keeps what was let go.
func allocate(size int) []byte {
	if size < large {
		return make([]byte, size)
	}
	b, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		panic(fmt.Sprintf("out of memory: map %d bytes: %v", size, err)) // as the runtime does
	}
	return b
}

// free lets go of what allocate made.
func free(b []byte) {
	if cap(b) < large {
		return
	}
	if err := syscall.Munmap(b[:cap(b)]); err != nil {
		panic(fmt.Sprintf("unmap: %v", err))
	}
}
