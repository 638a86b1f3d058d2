package kafka

import (
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/klauspost/compress/zstd"

	"hunting-exporter/sink/event"
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
	open  event.Event // takes rows still, unless its value is empty
}

func (r *records) len() int { return len(r.ends) }

func (r *records) reset() {
	r.tails, r.ends, r.times = r.tails[:0], r.ends[:0], r.times[:0]
}

// append appends the event as a record of this time.
func (r *records) append(e *event.Event, time int64) {
	r.tails = appendTail(r.tails, e)
	r.ends = append(r.ends, len(r.tails))
	r.times = append(r.times, time)
}

// appendTail appends the event as a record holds it from its key on.
func appendTail(dst []byte, e *event.Event) []byte {
	if len(e.Key) == 0 {
		dst = binary.AppendVarint(dst, -1)
	} else {
		dst = appendBytes(dst, e.Key)
	}
	dst = appendBytes(dst, e.Value)
	dst = binary.AppendVarint(dst, int64(len(e.Headers)))
	for i := range e.Headers {
		dst = appendBytes(appendBytes(dst, e.Headers[i].Key), e.Headers[i].Value)
	}
	return dst
}

// readTail is the reverse of appendTail, as far as the tail is whole.
func readTail(tail []byte) (e event.Event) {
	e.Key, tail = cutBytes(tail)
	e.Value, tail = cutBytes(tail)
	n, size := binary.Varint(tail)
	tail = tail[max(size, 0):]
	for ; n > 0 && len(tail) > 0; n-- {
		var key, value []byte
		key, tail = cutBytes(tail)
		value, tail = cutBytes(tail)
		e.Headers = append(e.Headers, event.Header{Key: string(key), Value: value})
	}
	return e
}

// appendBytes appends data as a record holds it: its length, then itself.
func appendBytes[T []byte | string](dst []byte, data T) []byte {
	if len(data) < 64 { // its length takes one byte
		dst = append(dst, byte(2*len(data)))
	} else {
		dst = binary.AppendVarint(dst, int64(len(data)))
	}
	return append(dst, data...)
}

// cutBytes is the reverse of appendBytes, and what follows; nil for none.
func cutBytes(b []byte) (data, rest []byte) {
	size, n := binary.Varint(b)
	if n <= 0 || size < 0 || size > int64(len(b)-n) {
		return nil, b[max(n, 0):]
	}
	return b[n : n+int(size)], b[n+int(size):]
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

var errFrames = errors.New("the records of a batch are damaged")

// readBatch is the reverse of appendBatch.
func readBatch(batch []byte) (records, error) {
	var r records
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return r, err
	}
	defer d.Close()
	frames, err := d.DecodeAll(batch[batchHeader:], nil)
	if err != nil {
		return r, err
	}
	base := int64(binary.BigEndian.Uint64(batch[atBaseTimestamp:]))
	for len(frames) > 0 {
		record, rest := cutBytes(frames)
		if len(record) == 0 || len(rest) == len(frames) {
			return r, errFrames
		}
		frames = rest
		delta, n := binary.Varint(record[1:]) // behind the attributes
		if n <= 0 {
			return r, errFrames
		}
		_, m := binary.Varint(record[1+n:]) // the offset
		if m <= 0 {
			return r, errFrames
		}
		r.tails = append(r.tails, record[1+n+m:]...)
		r.ends = append(r.ends, len(r.tails))
		r.times = append(r.times, base+delta)
	}
	if r.len() != int(binary.BigEndian.Uint32(batch[atCount:])) {
		return r, errFrames
	}
	return r, nil
}
