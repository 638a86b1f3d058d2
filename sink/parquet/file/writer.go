package file

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

const magic = "PAR1"

// mostGroups is how many row groups a file can number.
const mostGroups = math.MaxInt16

// Writer writes one file. It is not safe for concurrent use.
type Writer struct {
	out       io.Writer
	offset    int64
	columns   []Column
	encoder   *Encoder
	choice    []choice // a column
	createdBy string

	groups  []format.RowGroup
	columnI [][]format.ColumnIndex
	offsetI [][]format.OffsetIndex
	rows    int64
	err     error

	header   bytes.Buffer
	protocol thrift.CompactProtocol
}

// New makes a Writer of a file with these columns. Files may share an encoder, as long as
// no two row groups are written at once.
func New(out io.Writer, columns []Column, encoder *Encoder, createdBy string) *Writer {
	return &Writer{out: out, columns: columns, encoder: encoder, choice: make([]choice, len(columns)), createdBy: createdBy}
}

// WriteRowGroup writes n rows, given column by column, in the order given or, if that is
// nil, as they lie. sorted is the column, one of Int64s, that they then ascend by, nulls
// last, which is checked, since readers rely on it; negative: none. After an error the file
// is of no use.
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
	if len(w.groups) == mostGroups {
		return fmt.Errorf("write row group: a file has at most %d; raise PARQUET_ROW_GROUP_ROWS", mostGroups)
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
		if i == sorted && !columns[i].ascend(rows{order, 0, n}) {
			return fmt.Errorf("write column %s: the rows are not in its order", c.Name)
		}
		chunk, pages, err := w.chunk(c, w.numbered(i, &columns[i], n), n, order)
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
		Type: c.Kind.physical(), PathInSchema: []string{c.Name}, Codec: w.encoder.codec.CompressionCodec(), NumValues: int64(n),
		Encoding: []format.Encoding{format.Plain, format.RLE},
	}
	encoding := format.Plain
	if v.Index != nil && v.Nulls < n {
		encoding = format.RLEDictionary
		m.Encoding = append(m.Encoding, encoding)
		m.DictionaryPageOffset = w.offset
		if err := w.dictionary(c.Kind, v, &m); err != nil {
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

// dictionary writes the dictionary page of a column.
func (w *Writer) dictionary(k Kind, v *Values, m *format.ColumnMetaData) error {
	entries := w.encoder.dictionary(k, v)
	h := format.PageHeader{Type: format.DictionaryPage, DictionaryPageHeader: thrift.New(format.DictionaryPageHeader{NumValues: int32(entries), Encoding: format.Plain})}
	m.EncodingStats = append(m.EncodingStats, format.PageEncodingStats{PageType: format.DictionaryPage, Encoding: format.Plain, Count: 1})
	_, err := w.send(&h, m)
	return err
}

// page writes a data page.
func (w *Writer) page(k Kind, encoding format.Encoding, v *Values, r rows, m *format.ColumnMetaData) (p page, err error) {
	p = page{offset: w.offset, firstRow: int64(r.from)}
	if p.nulls, p.bounds, err = w.encoder.page(k, v, r, encoding == format.RLEDictionary); err != nil {
		return p, err
	}
	h := format.PageHeader{Type: format.DataPage, DataPageHeader: thrift.New(format.DataPageHeader{
		NumValues: int32(r.to - r.from), Encoding: encoding, DefinitionLevelEncoding: format.RLE, RepetitionLevelEncoding: format.RLE,
		Statistics: format.Statistics{NullCount: int64(p.nulls)}, // bounds are in the column index
	})}
	p.compressed, err = w.send(&h, m)
	return p, err
}

// send compresses the encoder's page and writes it behind its header.
func (w *Writer) send(h *format.PageHeader, m *format.ColumnMetaData) (size int32, err error) {
	body, packed, err := w.encoder.compress()
	if err != nil {
		return 0, err
	}
	h.UncompressedPageSize, h.CompressedPageSize = int32(len(body)), int32(len(packed))
	h.CRC = int32(crc32.ChecksumIEEE(packed))
	w.header.Reset()
	if err := thrift.NewEncoder(w.protocol.NewWriter(&w.header)).Encode(h); err != nil {
		return 0, err
	}
	head := w.header.Len()
	if err := w.write(w.header.Bytes()); err != nil {
		return 0, err
	}
	if err := w.write(packed); err != nil {
		return 0, err
	}
	m.TotalUncompressedSize += int64(head + len(body))
	m.TotalCompressedSize += int64(head + len(packed))
	return int32(head + len(packed)), nil
}

// bloom writes the filter of a chunk.
func (w *Writer) bloom(k Kind, v *Values, m *format.ColumnMetaData) error {
	filter := w.encoder.bloom(k, v, int(m.NumValues))
	h := format.BloomFilterHeader{NumBytes: int32(len(filter))}
	h.Algorithm.Value, h.Hash.Value, h.Compression.Value = &format.SplitBlockAlgorithm{}, &format.XxHash{}, &format.BloomFilterUncompressed{}
	m.BloomFilterOffset = w.offset
	if err := w.encode(&h); err != nil {
		return err
	}
	if err := w.write(filter); err != nil {
		return err
	}
	m.BloomFilterLength = int32(w.offset - m.BloomFilterOffset)
	return nil
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
