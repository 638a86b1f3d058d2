package pool

import "unsafe"

// Number is what the slices of a column hold.
type Number interface {
	~uint8 | ~int32 | ~int64 | ~float64
}

// Reserve returns s with room for n elements in all, and few more. s is nil or was
// returned by Reserve, and must not be used any more.
func Reserve[T Number](p *Pool, s []T, n int) []T {
	if cap(s) >= n {
		return s
	}
	size := int(unsafe.Sizeof(*new(T)))
	b := p.enlarge(bytesOf(s), n*size)
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), cap(b)/size)[:len(s)]
}

// Return gives back what Reserve returned.
func Return[T Number](p *Pool, s []T) { p.Put(bytesOf(s)) }

// bytesOf is the memory of a slice; its capacity is that of the lent one, since sizes are
// multiples of eight.
func bytesOf[T Number](s []T) []byte {
	size := int(unsafe.Sizeof(*new(T)))
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), cap(s)*size)[:len(s)*size]
}
