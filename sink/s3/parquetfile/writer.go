package parquetfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"

	"github.com/parquet-go/parquet-go/bloom"
	"github.com/parquet-go/parquet-go/bloom/xxhash"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

const magic = "PAR1"

// bloomBits a value make about one false answer in a hundred.
const bloomBits = 10

// Writer writes one file. It is not safe for concurrent use.
type Writer struct {
	out       io.Writer
	offset    int64
	columns   []Column
	codec     compress.Codec
	createdBy string

	groups  []format.RowGroup
	columnI [][]format.ColumnIndex
	offsetI [][]format.OffsetIndex
	rows    int64
	err     error

	// Room for reuse.
	level, encoded, body, packed []byte
	index                        []int32
	seen                         []uint32 // of each entry: the stamp of the page that saw it last
	stamp                        uint32
	hashes                       []uint64
	filter                       []byte
	header                       bytes.Buffer
	protocol                     thrift.CompactProtocol
}

// New makes a Writer of a file with these columns.
func New(out io.Writer, columns []Column, codec compress.Codec, createdBy string) *Writer {
	return &Writer{out: out, columns: columns, codec: codec, createdBy: createdBy}
}

// WriteRowGroup writes n rows, given column by column, in the order given or, if that is
// nil, as they lie. sorted is the column that they then ascend by, nulls last; negative:
// none. After an error the file is of no use.
func (w *Writer) WriteRowGroup(n int, columns []Values, order []int32, sorted int) error {
	if w.err == nil {
		w.err = w.writeRowGroup(n, columns, order, sorted)
	}
	return w.err
}

func (w *Writer) writeRowGroup(n int, columns []Values, order []int32, sorted int) error {
	if len(columns) != len(w.columns) || order != nil && len(order) != n {
		return fmt.Errorf("write row group: %d columns and an order of %d rows, want %d and %d", len(columns), len(order), len(w.columns), n)
	}
	if n == 0 {
		return nil
	}
	if err := w.begin(); err != nil {
		return err
	}
	g := format.RowGroup{NumRows: int64(n), FileOffset: w.offset, Ordinal: int16(len(w.groups))}
	if sorted >= 0 {
		g.SortingColumns = []format.SortingColumn{{ColumnIdx: int32(sorted)}}
	}
	indexes, offsets := make([]format.ColumnIndex, len(columns)), make([]format.OffsetIndex, len(columns))
	for i := range columns {
		c := w.columns[i]
		if err := columns[i].check(c.Kind, n); err != nil {
			return fmt.Errorf("write column %s: %w", c.Name, err)
		}
		chunk, pages, err := w.chunk(c, &columns[i], n, order)
		if err != nil {
			return fmt.Errorf("write column %s: %w", c.Name, err)
		}
		g.Columns = append(g.Columns, chunk)
		g.TotalByteSize += chunk.MetaData.TotalUncompressedSize
		g.TotalCompressedSize += chunk.MetaData.TotalCompressedSize
		indexes[i], offsets[i] = index(pages, c.Kind), offsetsOf(pages)
	}
	for i, c := range w.columns {
		if c.Bloom {
			if err := w.bloom(c.Kind, &columns[i], &g.Columns[i].MetaData); err != nil {
				return fmt.Errorf("write bloom filter of %s: %w", c.Name, err)
			}
		}
	}
	w.groups = append(w.groups, g)
	w.columnI, w.offsetI = append(w.columnI, indexes), append(w.offsetI, offsets)
	w.rows += int64(n)
	return nil
}

// check refuses columns of another length or type: nothing else would notice.
func (v *Values) check(k Kind, n int) error {
	have := len(v.Int64s)
	switch {
	case k == Bool:
		have = len(v.Bools)
	case k == Int32:
		have = len(v.Int32s)
	case k == Double:
		have = len(v.Doubles)
	case k == Text && v.Index != nil:
		have = len(v.Index)
	case k == Text:
		have = len(v.Ends) - 1
	}
	if have != n || v.Valid != nil && len(v.Valid) != n {
		return fmt.Errorf("%d values for %d rows", have, n)
	}
	return nil
}

func offsetsOf(pages []page) (out format.OffsetIndex) {
	for _, p := range pages {
		out.PageLocations = append(out.PageLocations, format.PageLocation{Offset: p.offset, CompressedPageSize: p.compressed, FirstRowIndex: p.firstRow})
	}
	return out
}

func (w *Writer) begin() error {
	if w.offset > 0 {
		return nil
	}
	return w.write([]byte(magic))
}

func (w *Writer) write(b []byte) error {
	n, err := w.out.Write(b)
	w.offset += int64(n)
	return err
}

// chunk writes a column of a row group.
func (w *Writer) chunk(c Column, v *Values, n int, order []int32) (format.ColumnChunk, []page, error) {
	m := format.ColumnMetaData{
		Type: c.Kind.physical(), PathInSchema: []string{c.Name}, Codec: w.codec.CompressionCodec(), NumValues: int64(n),
		Encoding: []format.Encoding{format.Plain, format.RLE},
	}
	encoding := format.Plain
	if v.Index != nil && v.Nulls < n {
		encoding = format.RLEDictionary
		m.Encoding = append(m.Encoding, encoding)
		m.DictionaryPageOffset = w.offset
		if err := w.dictionary(v, &m); err != nil {
			return format.ColumnChunk{}, nil, err
		}
	}
	m.DataPageOffset = w.offset
	var pages []page
	var all bounds
	for from := 0; from < n; {
		to := v.pageEnd(from, n, order)
		p, err := w.page(c.Kind, encoding, v, rows{order, from, to}, &m)
		if err != nil {
			return format.ColumnChunk{}, nil, err
		}
		pages = append(pages, p)
		all = all.wider(p.bounds, c.Kind)
		from = to
	}
	m.EncodingStats = append(m.EncodingStats, format.PageEncodingStats{PageType: format.DataPage, Encoding: encoding, Count: int32(len(pages))})
	m.Statistics.NullCount = int64(v.Nulls)
	if all.exact { // a reader may take these for the extremes themselves
		m.Statistics.MinValue, m.Statistics.MaxValue = all.min, all.max
	}
	return format.ColumnChunk{FileOffset: 0, MetaData: m}, pages, nil
}

// dictionary writes the dictionary page of a text column.
func (w *Writer) dictionary(v *Values, m *format.ColumnMetaData) error {
	entries := len(v.Ends) - 1
	w.body = w.body[:0]
	for e := range entries {
		text := v.text(e)
		w.body = binary.LittleEndian.AppendUint32(w.body, uint32(len(text)))
		w.body = append(w.body, text...)
	}
	if len(w.seen) < entries {
		w.seen = make([]uint32, entries+entries/2)
		w.stamp = 0
	}
	h := format.PageHeader{Type: format.DictionaryPage, DictionaryPageHeader: thrift.New(format.DictionaryPageHeader{NumValues: int32(entries), Encoding: format.Plain})}
	m.EncodingStats = append(m.EncodingStats, format.PageEncodingStats{PageType: format.DictionaryPage, Encoding: format.Plain, Count: 1})
	_, err := w.send(&h, m)
	return err
}

// page writes a data page.
func (w *Writer) page(k Kind, encoding format.Encoding, v *Values, r rows, m *format.ColumnMetaData) (p page, err error) {
	p = page{offset: w.offset, firstRow: int64(r.from)}
	if w.body, p.nulls, err = w.levels(w.body[:0], v, r); err != nil {
		return p, err
	}
	if encoding == format.RLEDictionary || p.nulls < r.to-r.from {
		if w.body, p.bounds, err = w.values(w.body, k, v, r); err != nil {
			return p, err
		}
	}
	h := format.PageHeader{Type: format.DataPage, DataPageHeader: thrift.New(format.DataPageHeader{
		NumValues: int32(r.to - r.from), Encoding: encoding, DefinitionLevelEncoding: format.RLE, RepetitionLevelEncoding: format.RLE,
	})}
	p.compressed, err = w.send(&h, m)
	return p, err
}

// send compresses the page in w.body and writes it behind its header.
func (w *Writer) send(h *format.PageHeader, m *format.ColumnMetaData) (size int32, err error) {
	if len(w.body) > math.MaxInt32/2 {
		return 0, fmt.Errorf("a page of %d bytes; lower TRANSFORM_MAX_CELL_BYTES", len(w.body))
	}
	if w.packed, err = w.codec.Encode(w.packed[:0], w.body); err != nil {
		return 0, fmt.Errorf("compress: %w", err)
	}
	h.UncompressedPageSize, h.CompressedPageSize = int32(len(w.body)), int32(len(w.packed))
	h.CRC = int32(crc32.ChecksumIEEE(w.packed))
	w.header.Reset()
	if err := thrift.NewEncoder(w.protocol.NewWriter(&w.header)).Encode(h); err != nil {
		return 0, err
	}
	head := w.header.Len()
	if err := w.write(w.header.Bytes()); err != nil {
		return 0, err
	}
	if err := w.write(w.packed); err != nil {
		return 0, err
	}
	m.TotalUncompressedSize += int64(head + len(w.body))
	m.TotalCompressedSize += int64(head + len(w.packed))
	return int32(head + len(w.packed)), nil
}

// bloom writes the filter of a chunk.
func (w *Writer) bloom(k Kind, v *Values, m *format.ColumnMetaData) error {
	w.hashes = w.hashes[:0]
	switch {
	case k == Text && v.Index != nil:
		for e := range len(v.Ends) - 1 {
			w.hashes = append(w.hashes, xxhash.Sum64(v.text(e)))
		}
	default:
		n := int(m.NumValues)
		v.each(rows{to: n}, func(row int) { w.hashes = append(w.hashes, v.hash(k, row)) })
	}
	size := bloom.NumSplitBlocksOf(int64(max(1, len(w.hashes))), bloomBits) * bloom.BlockSize
	w.filter = append(w.filter[:0], make([]byte, size)...)
	bloom.MakeSplitBlockFilter(w.filter).InsertBulk(w.hashes)
	h := format.BloomFilterHeader{NumBytes: int32(size)}
	h.Algorithm.Value, h.Hash.Value, h.Compression.Value = &format.SplitBlockAlgorithm{}, &format.XxHash{}, &format.BloomFilterUncompressed{}
	m.BloomFilterOffset = w.offset
	if err := w.encode(&h); err != nil {
		return err
	}
	if err := w.write(w.filter); err != nil {
		return err
	}
	m.BloomFilterLength = int32(w.offset - m.BloomFilterOffset)
	return nil
}

func (v *Values) hash(k Kind, row int) uint64 {
	switch k {
	case Text:
		return xxhash.Sum64(v.text(row))
	case Int32:
		return xxhash.Sum64Uint32(uint32(v.Int32s[row]))
	case Double:
		return xxhash.Sum64Uint64(math.Float64bits(v.Doubles[row]))
	case Bool:
		return xxhash.Sum64Uint8(v.Bools[row])
	}
	return xxhash.Sum64Uint64(uint64(v.Int64s[row]))
}

func (w *Writer) encode(v any) error {
	w.header.Reset()
	if err := thrift.NewEncoder(w.protocol.NewWriter(&w.header)).Encode(v); err != nil {
		return err
	}
	return w.write(w.header.Bytes())
}

// Close writes the footer. It does not close what is written to.
func (w *Writer) Close(metadata [][2]string) error {
	if w.err != nil {
		return w.err
	}
	if err := w.begin(); err != nil {
		return err
	}
	for i, g := range w.groups {
		for j := range g.Columns {
			c := &g.Columns[j]
			c.ColumnIndexOffset = w.offset
			if err := w.encode(&w.columnI[i][j]); err != nil {
				return err
			}
			c.ColumnIndexLength = int32(w.offset - c.ColumnIndexOffset)
		}
	}
	for i, g := range w.groups {
		for j := range g.Columns {
			c := &g.Columns[j]
			c.OffsetIndexOffset = w.offset
			if err := w.encode(&w.offsetI[i][j]); err != nil {
				return err
			}
			c.OffsetIndexLength = int32(w.offset - c.OffsetIndexOffset)
		}
	}
	footer := format.FileMetaData{Version: 2, Schema: elements(w.columns), NumRows: w.rows, RowGroups: w.groups, CreatedBy: w.createdBy}
	for range w.columns {
		footer.ColumnOrders = append(footer.ColumnOrders, format.ColumnOrder{Value: &format.TypeDefinedOrder{}})
	}
	for _, kv := range metadata {
		footer.KeyValueMetadata = append(footer.KeyValueMetadata, format.KeyValue{Key: kv[0], Value: kv[1]})
	}
	if err := w.encode(&footer); err != nil {
		return err
	}
	size := uint32(w.header.Len())
	return w.write(append(binary.LittleEndian.AppendUint32(nil, size), magic...))
}
