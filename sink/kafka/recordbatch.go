package kafka

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/klauspost/compress/zstd"
)

// A record batch, version 2, big endian: where its fields are.
const (
	atLength          = 8
	atLeaderEpoch     = 12
	atMagic           = 16
	atCRC             = 17
	atAttributes      = 21
	atLastOffsetDelta = 23
	atBaseTimestamp   = 27
	atMaxTimestamp    = 35
	atProducerID      = 43
	atProducerEpoch   = 51
	atBaseSequence    = 53
	atCount           = 57
	batchHeader       = 61

	codecZstd               = 4
	attrTransactional       = 0x10
	beforeLength            = 12 // what length does not count
	magic                   = 2
	noProducer              = -1
	maxRecordFrame          = 1 + 3*binary.MaxVarintLen64
	crcFrom                 = atAttributes
	noSequence        int32 = -1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// records are the events of one partition that no batch holds yet. Each is kept
// from its key on; what comes before depends on the batch it ends up in.
type records struct {
	tails []byte
	ends  []int
	times []int64
}

func (r *records) len() int { return len(r.ends) }

func (r *records) reset() {
	r.tails, r.ends, r.times = r.tails[:0], r.ends[:0], r.times[:0]
}

func (r *records) tail(i int) []byte {
	if i == 0 {
		return r.tails[:r.ends[0]]
	}
	return r.tails[r.ends[i-1]:r.ends[i]]
}

// appendFrames appends the records from lo to hi as a batch holds them.
func (r *records) appendFrames(dst []byte, lo, hi int) []byte {
	base := r.times[lo]
	var frame [maxRecordFrame]byte
	for i := lo; i < hi; i++ {
		f := append(frame[:0], 0) // attributes
		f = binary.AppendVarint(f, r.times[i]-base)
		f = binary.AppendVarint(f, int64(i-lo))
		tail := r.tail(i)
		dst = binary.AppendVarint(dst, int64(len(f)+len(tail)))
		dst = append(dst, f...)
		dst = append(dst, tail...)
	}
	return dst
}

// appendBatch appends the records from lo to hi as a compressed batch, unstamped:
// producer, sequence and checksum are filled in when it is sent.
func (r *records) appendBatch(dst, scratch []byte, lo, hi int, enc *zstd.Encoder) (batch, frames []byte) {
	frames = r.appendFrames(scratch[:0], lo, hi)
	start := len(dst)
	dst = append(dst, make([]byte, batchHeader)...)
	dst = enc.EncodeAll(frames, dst)
	b, be := dst[start:], binary.BigEndian
	latest := r.times[lo]
	for _, t := range r.times[lo:hi] {
		latest = max(latest, t)
	}
	be.PutUint32(b[atLength:], uint32(len(b)-beforeLength))
	be.PutUint32(b[atLeaderEpoch:], 0xffffffff) // the broker's to fill in
	b[atMagic] = magic
	be.PutUint16(b[atAttributes:], codecZstd)
	be.PutUint32(b[atLastOffsetDelta:], uint32(hi-lo-1))
	be.PutUint64(b[atBaseTimestamp:], uint64(r.times[lo]))
	be.PutUint64(b[atMaxTimestamp:], uint64(latest))
	be.PutUint32(b[atCount:], uint32(hi-lo))
	return dst, frames
}

// stamp makes a batch one of the producer's; without a producer id, nobody's.
func stamp(b []byte, s session, sequence int32, transactional bool) {
	be := binary.BigEndian
	attributes := uint16(codecZstd)
	if transactional {
		attributes |= attrTransactional
	}
	if s.id == noProducer {
		sequence = noSequence
	}
	be.PutUint16(b[atAttributes:], attributes)
	be.PutUint64(b[atProducerID:], uint64(int64(s.id)))
	be.PutUint16(b[atProducerEpoch:], uint16(int16(s.epoch)))
	be.PutUint32(b[atBaseSequence:], uint32(sequence))
	be.PutUint32(b[atCRC:], crc32.Checksum(b[crcFrom:], castagnoli))
}
