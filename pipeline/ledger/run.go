package ledger

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/zeebo/xxh3"
)

// A run is
//
//	magic and version, number of keys (uvarint),
//	for each bin in order: bins since the one before (varint; the first since 1970),
//	  number of keys (uvarint), the keys in any order: ID and Tag,
//	64-bit xxh3 of all that.
const (
	runMagic    = "huntrun\x01"
	runKeySize  = 16 + 8
	runChecksum = 8
)

// ErrDamaged is what DecodeRun returns for data that is not a whole run.
var ErrDamaged = errors.New("damaged run of row keys")

// EncodeRun sorts keys by Bin alone and returns them in a compact form, together with the range
// [start, end) of their bins; zero times if there are no keys.
func EncodeRun(keys []Key) (data []byte, start, end time.Time) {
	slices.SortFunc(keys, func(a, b Key) int { return cmp.Compare(a.Bin, b.Bin) })
	data = make([]byte, 0, len(runMagic)+len(keys)*runKeySize+64)
	data = append(data, runMagic...)
	data = binary.AppendUvarint(data, uint64(len(keys)))
	var last int64
	for rest := keys; len(rest) > 0; {
		bin := rest[0].Bin
		n := sameBin(rest)
		data = binary.AppendVarint(data, bin-last)
		data = binary.AppendUvarint(data, uint64(n))
		for _, k := range rest[:n] {
			data = append(data, k.ID[:]...)
			data = binary.LittleEndian.AppendUint64(data, k.Tag)
		}
		last, rest = bin, rest[n:]
	}
	if len(keys) > 0 {
		start, end = Start(keys[0].Bin), Start(last+1)
	}
	return binary.LittleEndian.AppendUint64(data, xxh3.Hash(data)), start, end
}

// DecodeRun appends to into, in their order, the keys of a run whose bins overlap
// [from, to); two ranges that share a bin would both give its keys. Data that was cut or
// changed is ErrDamaged: with keys missing in silence, rows would be exported twice.
func DecodeRun(data []byte, from, to time.Time, into []Key) ([]Key, error) {
	body := len(data) - runChecksum
	if body < len(runMagic) || string(data[:len(runMagic)]) != runMagic {
		return nil, fmt.Errorf("%w: %d bytes without the magic number of version 1", ErrDamaged, len(data))
	}
	if want, got := binary.LittleEndian.Uint64(data[body:]), xxh3.Hash(data[:body]); got != want {
		return nil, fmt.Errorf("%w: checksum %016x, expected %016x", ErrDamaged, got, want)
	}
	d := runDecoder{rest: data[len(runMagic):body], from: Number(from), to: after(to), into: into}
	return d.keys()
}

type runDecoder struct {
	rest     []byte
	from, to int64 // numbers of the bins wanted, half-open
	into     []Key
}

func (d *runDecoder) keys() ([]Key, error) {
	total, err := d.count()
	if err != nil {
		return nil, err
	}
	var last int64
	for total > 0 {
		step, size := binary.Varint(d.rest)
		if size <= 0 {
			return nil, fmt.Errorf("%w: %d keys short", ErrDamaged, total)
		}
		d.rest = d.rest[size:]
		n, err := d.count()
		if err != nil {
			return nil, err
		}
		if n == 0 || n > total {
			return nil, fmt.Errorf("%w: a bin of %d keys where %d are left", ErrDamaged, n, total)
		}
		last += step
		d.bin(last, n)
		total -= n
	}
	if len(d.rest) > 0 {
		return nil, fmt.Errorf("%w: %d bytes behind the last key", ErrDamaged, len(d.rest))
	}
	return d.into, nil
}

// count reads a number of keys, no more than there are bytes for.
func (d *runDecoder) count() (int, error) {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 || n > uint64(len(d.rest)-size)/runKeySize {
		return 0, fmt.Errorf("%w: %d keys in %d bytes", ErrDamaged, n, len(d.rest))
	}
	d.rest = d.rest[size:]
	return int(n), nil
}

// bin takes n keys of one bin if it is wanted, and goes behind them.
func (d *runDecoder) bin(number int64, n int) {
	keys := d.rest[:n*runKeySize]
	d.rest = d.rest[len(keys):]
	if number < d.from || number >= d.to {
		return
	}
	d.into = slices.Grow(d.into, n)
	for ; len(keys) > 0; keys = keys[runKeySize:] {
		k := Key{Bin: number, Tag: binary.LittleEndian.Uint64(keys[16:])}
		copy(k.ID[:], keys)
		d.into = append(d.into, k)
	}
}
