package parquet

import (
	"fmt"

	klauspost "github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/compress/snappy"
	"github.com/parquet-go/parquet-go/compress/uncompressed"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// newCodec makes the codec of one writer, for one goroutine.
func (f *Format) newCodec() (compress.Codec, error) {
	switch f.cfg.Compression {
	case snappyCompression:
		return &snappy.Codec{}, nil
	case noCompression:
		return &uncompressed.Codec{}, nil
	}
	return newZstdCodec()
}

// zstdCodec is parquet-go's, but for the encoder: those lie in a pool that every garbage
// collection empties, and each has room for 8 MB of history, where pages have one.
type zstdCodec struct {
	zstd.Codec
	encoder *klauspost.Encoder
}

func newZstdCodec() (*zstdCodec, error) {
	// Level and checksums as measured: zstd is a fifth of the export's work. Pages have
	// checksums of their own.
	encoder, err := klauspost.NewWriter(nil, klauspost.WithEncoderLevel(klauspost.SpeedFastest), klauspost.WithWindowSize(1<<20),
		klauspost.WithEncoderConcurrency(1), klauspost.WithEncoderCRC(false))
	if err != nil {
		return nil, fmt.Errorf("set up zstd: %w", err)
	}
	return &zstdCodec{encoder: encoder}, nil
}

// Encode compresses src into dst, whose room is used.
func (c *zstdCodec) Encode(dst, src []byte) ([]byte, error) {
	return c.encoder.EncodeAll(src, dst[:0]), nil
}
