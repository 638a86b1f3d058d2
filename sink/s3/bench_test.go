package s3_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
)

// processEvents is a page shaped like DeviceProcessEvents: 28 columns, some that
// repeat, some that do not, command lines and nested JSON.
func processEvents(rows int) (arrow.Record, int64) {
	fields := []arrow.Field{{Name: "Timestamp", Type: schema.DateTime}}
	for i := range 12 {
		fields = append(fields, arrow.Field{Name: fmt.Sprintf("Repeats%d", i), Type: arrow.BinaryTypes.String})
	}
	for _, name := range []string{"DeviceId", "SHA1", "SHA256", "MD5", "ProcessCommandLine", "InitiatingProcessCommandLine"} {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.BinaryTypes.String})
	}
	fields = append(fields, arrow.Field{
		Name: "AdditionalFields", Type: arrow.BinaryTypes.String,
		Metadata: arrow.NewMetadata([]string{schema.MetaType}, []string{"Dynamic"}),
	})
	for i := range 8 {
		fields = append(fields, arrow.Field{Name: fmt.Sprintf("Number%d", i), Type: arrow.PrimitiveTypes.Int64})
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	size := int64(0)
	for i := range rows {
		mixed := uint64(i) * 0x9E3779B97F4A7C15
		for j, f := range fields {
			switch c := b.Field(j).(type) {
			case *array.StringBuilder:
				text := fmt.Sprintf("%s-%d", f.Name, mixed%uint64(10+j))
				switch {
				case strings.HasPrefix(f.Name, "SHA"), f.Name == "MD5":
					text = fmt.Sprintf("%016x%016x", mixed, mixed*3)
				case strings.HasSuffix(f.Name, "CommandLine"):
					text = fmt.Sprintf(`"C:\Program Files\Thing\thing.exe" --type=%d --id=%x --channel="%d" /prefetch:%d`, mixed%7, mixed, mixed%9999, i%5)
				case f.Name == "AdditionalFields":
					text = fmt.Sprintf(`{"Pid":%d,"Desired":"%x","Kind":"Thing"}`, mixed%60000, mixed)
				}
				c.Append(text)
				size += int64(len(text))
			case *array.Int64Builder:
				c.Append(int64(mixed % 100000))
				size += 8
			case *array.ExtensionBuilder:
				c.StorageBuilder().(*array.Int64Builder).Append(ticks(2026, 3, 4, 1) + int64(mixed%36_000_000_000))
				size += 8
			}
		}
	}
	return b.NewRecord(), size
}

// BenchmarkEncode is one page to a verified local file and an upload in a directory.
func BenchmarkEncode(b *testing.B) {
	rec, size := processEvents(100_000)
	sink := newSink(b, dirStore(b))
	b.SetBytes(size)
	b.ReportAllocs()
	epoch := int64(0)
	for b.Loop() {
		epoch++
		files := prepare(b, sink, attempt(epoch), hunting.Batch{Record: rec})
		b.ReportMetric(float64(files[0].Size)/(1<<20), "MB/file")
	}
}
