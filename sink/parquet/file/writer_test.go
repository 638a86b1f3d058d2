package file_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/compress/uncompressed"
	"github.com/parquet-go/parquet-go/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
	"pgregory.net/rapid"

	"hunting-exporter/sink/parquet/file"
)

var codecs = []compress.Codec{&zstd.Codec{Level: zstd.SpeedFastest, Concurrency: 1}, &uncompressed.Codec{}}

// group is a row group as it is written, and its values as they should be read.
type group struct {
	n       int
	columns []file.Values
	order   []int32
	want    [][]parquet.Value // a column, in the order written
}

var kinds = []file.Kind{
	file.Bool, file.Int32, file.Int64, file.Double,
	file.Text, file.TimestampMicros, file.TimestampNanos,
}

// drawGroup makes a row group of columns of these kinds; large ones have several pages.
func drawGroup(t *rapid.T, columns []file.Column) group {
	g := group{n: rapid.SampledFrom([]int{1, 2, 9, 300, 21_000, 41_000}).Draw(t, "rows")}
	if rapid.Bool().Draw(t, "ordered") {
		for i := range g.n {
			g.order = append(g.order, int32((i*7919+3)%g.n))
		}
		if g.n%7919 == 0 || len(unique(g.order)) != g.n {
			g.order = nil
		}
	}
	for _, c := range columns {
		v, cells := drawValues(t, c.Kind, g.n)
		ordered := make([]parquet.Value, g.n)
		for i := range ordered {
			row := i
			if g.order != nil {
				row = int(g.order[i])
			}
			ordered[i] = cells[row]
		}
		g.columns, g.want = append(g.columns, v), append(g.want, ordered)
	}
	return g
}

func unique(order []int32) map[int32]bool {
	m := map[int32]bool{}
	for _, i := range order {
		m[i] = true
	}
	return m
}

func drawValues(t *rapid.T, k file.Kind, n int) (v file.Values, cells []parquet.Value) {
	nulls := rapid.SampledFrom([]int{0, 1, 3, n + 1}).Draw(t, "a null every") // n+1: none, 1: all
	seed := rapid.Uint64().Draw(t, "seed")
	spread := rapid.SampledFrom([]uint64{1, 3, 200, 1 << 40}).Draw(t, "different")
	cells = make([]parquet.Value, n)
	number := func(i int) uint64 { return (uint64(i)*0x9E3779B97F4A7C15 ^ seed) % spread }
	isNull := func(i int) bool { return nulls > 0 && nulls <= n && (nulls == 1 || i%nulls == 2) }
	v.Valid = make([]byte, n)
	var texts []string
	for i := range n {
		x := number(i)
		switch k {
		case file.Bool:
			v.Bools, cells[i] = append(v.Bools, byte(x&1)), parquet.BooleanValue(x&1 == 1)
		case file.Int32:
			v.Int32s, cells[i] = append(v.Int32s, int32(x)-5), parquet.Int32Value(int32(x)-5)
		case file.Double:
			d := float64(int64(x)-1) / 3
			if x == 1 {
				d = math.Inf(-1)
			}
			v.Doubles, cells[i] = append(v.Doubles, d), parquet.DoubleValue(d)
		case file.Text:
			text := odd[x%uint64(len(odd))] + fmt.Sprint(x)
			texts, cells[i] = append(texts, text), parquet.ByteArrayValue([]byte(text))
		default:
			v.Int64s, cells[i] = append(v.Int64s, int64(x)-math.MaxInt32), parquet.Int64Value(int64(x)-math.MaxInt32)
		}
		v.Valid[i] = 1
		if isNull(i) {
			v.Valid[i], cells[i] = 0, parquet.NullValue()
			v.Nulls++
		}
	}
	if v.Nulls == 0 {
		v.Valid = nil
	}
	if k == file.Text {
		fillText(&v, texts, rapid.Bool().Draw(t, "dictionary"))
	}
	return v, cells
}

var odd = []string{
	"", "a", "\x00", "😀", strings.Repeat("x", 64), strings.Repeat("é", 33), strings.Repeat("\U0010ffff", 20), strings.Repeat("z", 63) + "😀", "\U0010ffff",
	strings.Repeat("\ud7ff", 30), strings.Repeat("y", 3000),
}

func fillText(v *file.Values, texts []string, dictionary bool) {
	v.Ends = []int32{0}
	entries := map[string]int32{}
	for i, text := range texts {
		if dictionary {
			if v.Valid != nil && v.Valid[i] == 0 {
				v.Index = append(v.Index, 0)
				continue
			}
			e, known := entries[text]
			if !known {
				e = int32(len(entries))
				entries[text] = e
				v.Bytes = append(v.Bytes, text...)
				v.Ends = append(v.Ends, int32(len(v.Bytes)))
			}
			v.Index = append(v.Index, e)
			continue
		}
		v.Bytes = append(v.Bytes, text...)
		v.Ends = append(v.Ends, int32(len(v.Bytes)))
	}
}

func TestReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var columns []file.Column
		for i := range rapid.IntRange(1, 4).Draw(t, "columns") {
			kind := rapid.SampledFrom(kinds).Draw(t, "kind")
			columns = append(columns, file.Column{Name: fmt.Sprint("c", i), Kind: kind, Bloom: rapid.Bool().Draw(t, "bloom")})
		}
		var groups []group
		for range rapid.IntRange(0, 3).Draw(t, "row groups") {
			groups = append(groups, drawGroup(t, columns))
		}
		var out bytes.Buffer
		w := file.New(&out, columns, file.NewEncoder(rapid.SampledFrom(codecs).Draw(t, "codec")), "test")
		for _, g := range groups {
			if err := w.WriteRowGroup(g.n, g.columns, g.order, -1); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close([][2]string{{"k", "v"}}); err != nil {
			t.Fatal(err)
		}
		f, err := parquet.OpenFile(bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if v, _ := f.Lookup("k"); v != "v" || len(f.RowGroups()) != len(groups) {
			t.Fatalf("metadata %q, %d row groups", v, len(f.RowGroups()))
		}
		for i, g := range groups {
			for j, chunk := range f.RowGroups()[i].ColumnChunks() {
				checkChunk(t, chunk.(*parquet.FileColumnChunk), columns[j], g.want[j])
				checkHeaders(t, out.Bytes(), chunk)
			}
		}
	})
}

// checkChunk compares a chunk's values, its page index and its filter with what is wanted.
func checkChunk(t *rapid.T, chunk *parquet.FileColumnChunk, c file.Column, want []parquet.Value) {
	index, err := chunk.ColumnIndex()
	if err != nil {
		t.Fatal(err)
	}
	offsets, err := chunk.OffsetIndex()
	if err != nil {
		t.Fatal(err)
	}
	pages := chunk.Pages()
	defer pages.Close()
	at := 0
	for p := range index.NumPages() {
		page, err := pages.ReadPage()
		if err != nil {
			t.Fatal(err)
		}
		if offsets.FirstRowIndex(p) != int64(at) {
			t.Fatalf("page %d begins at row %d, want %d", p, offsets.FirstRowIndex(p), at)
		}
		values := make([]parquet.Value, page.NumValues())
		if n, _ := page.Values().ReadValues(values); n != len(values) {
			t.Fatalf("%d of %d values", n, len(values))
		}
		nulls := int64(0)
		for _, v := range values {
			w := want[at]
			at++
			if v.IsNull() != w.IsNull() || !v.IsNull() && !parquet.Equal(v, w) {
				t.Fatalf("%s, row %d is %v, want %v", c.Name, at-1, v, w)
			}
			if v.IsNull() {
				nulls++
				continue
			}
			if lo, hi := index.MinValue(p), index.MaxValue(p); compare(c.Kind, lo, v) > 0 || compare(c.Kind, v, hi) > 0 {
				t.Fatalf("%v lies outside of its page's bounds %v to %v", v, lo, hi)
			}
			if c.Bloom {
				if found, err := chunk.BloomFilter().Check(v); err != nil || !found {
					t.Fatalf("the bloom filter lacks %v: %v", v, err)
				}
			}
		}
		if index.NullCount(p) != nulls || index.NullPage(p) != (nulls == int64(len(values))) {
			t.Fatalf("page %d: %d nulls in the index, %d in the page of %d", p, index.NullCount(p), nulls, len(values))
		}
		parquet.Release(page)
	}
	if at != len(want) {
		t.Fatalf("%d rows, want %d", at, len(want))
	}
	if (chunk.BloomFilter() != nil) != c.Bloom {
		t.Fatalf("bloom filter: %v, want %v", chunk.BloomFilter() != nil, c.Bloom)
	}
}

// checkHeaders compares what the pages' own headers count with the index: a reader may
// trust either.
func checkHeaders(t *rapid.T, file []byte, chunk parquet.ColumnChunk) {
	index, _ := chunk.ColumnIndex()
	offsets, _ := chunk.OffsetIndex()
	for p := range index.NumPages() {
		var h format.PageHeader
		if err := thrift.NewDecoder(new(thrift.CompactProtocol).NewReader(bytes.NewReader(file[offsets.Offset(p):]))).Decode(&h); err != nil {
			t.Fatal(err)
		}
		data := h.DataPageHeader.V
		if data.Statistics.NullCount != index.NullCount(p) {
			t.Fatalf("page %d: %d nulls in its header, %d in the index", p, data.Statistics.NullCount, index.NullCount(p))
		}
		if int64(h.CompressedPageSize) >= offsets.CompressedPageSize(p) {
			t.Fatalf("page %d: %d bytes behind its header, %d with it", p, h.CompressedPageSize, offsets.CompressedPageSize(p))
		}
	}
}

func compare(k file.Kind, a, b parquet.Value) int {
	switch k {
	case file.Text:
		return bytes.Compare(a.ByteArray(), b.ByteArray())
	case file.Bool:
		return map[bool]int{false: 0, true: 1}[a.Boolean()] - map[bool]int{false: 0, true: 1}[b.Boolean()]
	case file.Int32:
		return cmp.Compare(a.Int32(), b.Int32())
	case file.Double:
		return cmp.Compare(a.Double(), b.Double())
	}
	return cmp.Compare(a.Int64(), b.Int64())
}

func TestUnequalColumnsAreRefused(t *testing.T) {
	columns := []file.Column{{Name: "a", Kind: file.Int64}, {Name: "b", Kind: file.Text}}
	for name, values := range map[string][]file.Values{
		"longer":          {{Int64s: []int64{1, 2, 3}}, {Ends: []int32{0, 0, 0}}},
		"another kind":    {{Int32s: []int32{1, 2}}, {Ends: []int32{0, 0, 0}}},
		"text too short":  {{Int64s: []int64{1, 2}}, {Ends: []int32{0, 0}}},
		"index too short": {{Int64s: []int64{1, 2}}, {Ends: []int32{0, 0}, Index: []int32{0}}},
		"levels":          {{Int64s: []int64{1, 2}, Valid: []byte{1}}, {Ends: []int32{0, 0, 0}}},
		"a column less":   {{Int64s: []int64{1, 2}}},
	} {
		w := file.New(new(bytes.Buffer), columns, file.NewEncoder(codecs[1]), "test")
		if err := w.WriteRowGroup(2, values, nil, -1); err == nil {
			t.Errorf("%s: written", name)
		}
		if err := w.Close(nil); err == nil {
			t.Errorf("%s: a footer behind an error", name)
		}
	}
}

func TestAnOrderThatIsNoneIsRefused(t *testing.T) {
	columns := []file.Column{{Name: "a", Kind: file.TimestampMicros}}
	for _, c := range []struct {
		valid []byte
		order []int32
		ok    bool
	}{
		{nil, nil, false},
		{nil, []int32{2, 0, 1}, true},
		{[]byte{1, 1, 0}, nil, true},
		{[]byte{1, 0, 1}, []int32{2, 0, 1}, true},
		{[]byte{1, 0, 1}, []int32{1, 2, 0}, false},
	} {
		v := file.Values{Int64s: []int64{3, 5, 1}, Valid: c.valid}
		for _, valid := range c.valid {
			v.Nulls += int(1 - valid)
		}
		w := file.New(new(bytes.Buffer), columns, file.NewEncoder(codecs[1]), "test")
		if err := w.WriteRowGroup(3, []file.Values{v}, c.order, 0); (err == nil) != c.ok {
			t.Errorf("order %v with %v: %v", c.order, c.valid, err)
		}
	}
}

// short takes so many bytes and no more.
type short struct{ left int }

var errFull = errors.New("no space left")

func (s *short) Write(b []byte) (int, error) {
	if len(b) > s.left {
		n := s.left
		s.left = 0
		return n, errFull
	}
	s.left -= len(b)
	return len(b), nil
}

// small writes a file with everything that a file can have: both kinds of dictionary, plain
// text, filters, two row groups.
func small(out io.Writer, codec compress.Codec) error {
	columns := []file.Column{{Name: "n", Kind: file.Int64, Bloom: true}, {Name: "t", Kind: file.Text, Bloom: true}, {Name: "p", Kind: file.Text}, {Name: "b", Kind: file.Bool}}
	w := file.New(out, columns, file.NewEncoder(codec), "test")
	for range 2 {
		n := file.Values{Int64s: []int64{5, 5, 7}}
		t := file.Values{Ends: []int32{0, 1, 3}, Bytes: []byte("abb"), Index: []int32{1, 0, 1}}
		p := file.Values{Ends: []int32{0, 2, 2, 5}, Bytes: []byte("ppqqq"), Valid: []byte{1, 0, 1}, Nulls: 1}
		b := file.Values{Bools: []byte{1, 0, 1}}
		if err := w.WriteRowGroup(3, []file.Values{n, t, p, b}, nil, -1); err != nil {
			return err
		}
	}
	return w.Close([][2]string{{"key", "value"}})
}

// TestEveryFailedWriteIsTold: a disk may be full at any byte.
func TestEveryFailedWriteIsTold(t *testing.T) {
	var whole bytes.Buffer
	if err := small(&whole, codecs[1]); err != nil {
		t.Fatal(err)
	}
	for room := range whole.Len() {
		if err := small(&short{room}, codecs[1]); !errors.Is(err, errFull) {
			t.Fatalf("room for %d of %d bytes: %v", room, whole.Len(), err)
		}
	}
	if err := small(&short{whole.Len()}, codecs[1]); err != nil {
		t.Error(err)
	}
}

// failing is a codec that compresses so many pages.
type failing struct {
	*uncompressed.Codec
	left *int
}

func (f failing) Encode(dst, src []byte) ([]byte, error) {
	if *f.left--; *f.left < 0 {
		return nil, errFull
	}
	return f.Codec.Encode(dst, src)
}

// TestEveryFailedCompressionIsTold: of pages and of dictionaries.
func TestEveryFailedCompressionIsTold(t *testing.T) {
	pages := 0
	for ; ; pages++ {
		left := pages
		err := small(io.Discard, failing{new(uncompressed.Codec), &left})
		if err == nil {
			break
		}
		if !errors.Is(err, errFull) {
			t.Fatalf("after %d pages: %v", pages, err)
		}
	}
	if pages < 8 { // a page of each column of each row group
		t.Errorf("%d pages were compressed", pages)
	}
}

// TestMostRowGroups: readers number them in 16 bits.
func TestMostRowGroups(t *testing.T) {
	w := file.New(io.Discard, []file.Column{{Name: "b", Kind: file.Bool}}, file.NewEncoder(codecs[1]), "test")
	group := []file.Values{{Bools: []byte{1}}}
	for i := range math.MaxInt16 {
		if err := w.WriteRowGroup(1, group, nil, -1); err != nil {
			t.Fatalf("row group %d: %v", i, err)
		}
	}
	if err := w.WriteRowGroup(1, group, nil, -1); err == nil || !strings.Contains(err.Error(), "PARQUET_ROW_GROUP_ROWS") {
		t.Errorf("one more: %v, want the setting to raise", err)
	}
}
