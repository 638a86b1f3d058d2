package tenant

import "math/bits"

const (
	xx1 = 0x9E3779B185EBCA87
	xx2 = 0xC2B2AE3D27D4EB4F
	xx3 = 0x165667B19E3779F9
	xx4 = 0x85EBCA77C2B2AE63
	xx5 = 0x27D4EB2F165667C5
)

func le64(s string) uint64 { return uint64(le32(s)) | uint64(le32(s[4:]))<<32 }

func le32(s string) uint32 {
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

func xxRound(acc, in uint64) uint64 { return bits.RotateLeft64(acc+in*xx2, 31) * xx1 }

// xxhash64 is XXH64 with seed 0.
func xxhash64(s string) uint64 {
	n := uint64(len(s))
	h := uint64(xx5)
	if len(s) >= 32 {
		p1, p2 := uint64(xx1), uint64(xx2)
		v := [4]uint64{p1 + p2, p2, 0, -p1}
		for ; len(s) >= 32; s = s[32:] {
			for i := range v {
				v[i] = xxRound(v[i], le64(s[8*i:]))
			}
		}
		h = bits.RotateLeft64(v[0], 1) + bits.RotateLeft64(v[1], 7) + bits.RotateLeft64(v[2], 12) + bits.RotateLeft64(v[3], 18)
		for _, x := range v {
			h = (h^xxRound(0, x))*xx1 + xx4
		}
	}
	h += n
	for ; len(s) >= 8; s = s[8:] {
		h = bits.RotateLeft64(h^xxRound(0, le64(s)), 27)*xx1 + xx4
	}
	if len(s) >= 4 {
		h = bits.RotateLeft64(h^uint64(le32(s))*xx1, 23)*xx2 + xx3
		s = s[4:]
	}
	for i := range len(s) {
		h = bits.RotateLeft64(h^uint64(s[i])*xx5, 11) * xx1
	}
	h = (h ^ h>>33) * xx2
	h = (h ^ h>>29) * xx3
	return h ^ h>>32
}
