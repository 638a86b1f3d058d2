package ledger_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"hunting-exporter/pipeline/ledger"
	"hunting-exporter/schema"
)

const benchRows = 100_000

// deviceRows makes rows as device tables have them, with more columns beside.
func deviceRows(tb testing.TB, rows, more int) (arrow.Record, [][16]byte) {
	tb.Helper()
	cols := []schema.Column{
		{Name: schema.IngestionTime, Type: "DateTime"},
		{Name: "Timestamp", Type: "DateTime"},
		{Name: "DeviceId", Type: "String"},
		{Name: "ReportId", Type: "Int64"},
	}
	for i := range more {
		cols = append(cols, schema.Column{Name: fmt.Sprintf("Text%d", i), Type: "String"})
	}
	arrowSchema, err := schema.Arrow(cols)
	if err != nil {
		tb.Fatal(err)
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrowSchema)
	defer b.Release()
	content := make([][16]byte, rows)
	base := schema.ToTicks(time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC))
	for i := range rows {
		dateTimes(b.Field(0)).Append(base + int64(i)*100_000)
		dateTimes(b.Field(1)).Append(base + int64(i)*99_999)
		b.Field(2).(*array.StringBuilder).Append(fmt.Sprintf("%040x", i%5000))
		b.Field(3).(*array.Int64Builder).Append(int64(i))
		for f := 4; f < len(cols); f++ {
			b.Field(f).(*array.StringBuilder).Append("C:\\Windows\\System32\\svchost.exe")
		}
		content[i] = ledgerHash(uint64(i))
	}
	return b.NewRecord(), content
}

func dateTimes(b array.Builder) *array.Int64Builder {
	return b.(*array.ExtensionBuilder).StorageBuilder().(*array.Int64Builder)
}

func benchKeys(n int) []ledger.Key {
	rng := rand.New(rand.NewPCG(1, 2))
	keys := make([]ledger.Key, n)
	for i := range keys {
		keys[i] = ledger.Key{Bin: 1_986_000 + int64(i/50_000), ID: ledgerHash(rng.Uint64()), Tag: rng.Uint64()}
	}
	return keys
}

func perSecond(b *testing.B, rows int) {
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
}

func BenchmarkKeys(b *testing.B) {
	rec, content := deviceRows(b, benchRows, 0)
	defer rec.Release()
	for name, identity := range map[string][]string{
		"identity": {"Timestamp", "DeviceId", "ReportId"},
		"content":  nil,
	} {
		b.Run(name, func(b *testing.B) {
			k := ledger.NewKeyer(schema.IngestionTime, identity)
			var keys []ledger.Key
			b.ReportAllocs()
			for b.Loop() {
				keys = k.Keys(rec, content, time.Time{}, keys[:0])
			}
			perSecond(b, benchRows)
		})
	}
}

func BenchmarkEncodeRun(b *testing.B) {
	unsorted := benchKeys(ledger.RunKeys)
	keys := make([]ledger.Key, len(unsorted))
	b.ReportAllocs()
	for b.Loop() {
		copy(keys, unsorted)
		ledger.EncodeRun(keys)
	}
	perSecond(b, len(keys))
}

func BenchmarkDecodeRun(b *testing.B) {
	data, start, end := ledger.EncodeRun(benchKeys(ledger.RunKeys))
	var keys []ledger.Key
	for b.Loop() {
		var err error
		if keys, err = ledger.DecodeRun(data, start, end, keys[:0]); err != nil {
			b.Fatal(err)
		}
	}
	perSecond(b, ledger.RunKeys)
}

func BenchmarkSeen(b *testing.B) {
	const million = 1_000_000
	unsorted := benchKeys(million)
	keys := make([]ledger.Key, million)
	b.Run("new", func(b *testing.B) {
		for b.Loop() {
			copy(keys, unsorted)
			ledger.NewSeen(keys)
		}
		perSecond(b, million)
	})
	b.Run("take", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			copy(keys, unsorted)
			s := ledger.NewSeen(keys)
			b.StartTimer()
			for page := range million / benchRows {
				if _, n := s.Take(unsorted[page*benchRows:][:benchRows]); n != 0 {
					b.Fatal(n)
				}
			}
		}
		perSecond(b, million)
	})
	b.Run("equal", func(b *testing.B) {
		same := make([]ledger.Key, million)
		for b.Loop() {
			s := ledger.NewSeen(same)
			if _, n := s.Take(unsorted[:0]); n != 0 {
				b.Fatal(n)
			}
			if _, n := s.Take(same[:benchRows]); n != 0 {
				b.Fatal(n)
			}
		}
	})
}

func BenchmarkPick(b *testing.B) {
	rec, _ := deviceRows(b, benchRows, 60)
	defer rec.Release()
	for name, every := range map[string]int{"half": 2, "1 of 1000": 1000} {
		b.Run(name, func(b *testing.B) {
			keep := make([]bool, benchRows)
			for i := range keep {
				keep[i] = i%every == 0
			}
			b.ReportAllocs()
			for b.Loop() {
				picked, err := ledger.Pick(rec, keep)
				if err != nil {
					b.Fatal(err)
				}
				picked.Release()
			}
			perSecond(b, benchRows)
		})
	}
}

func BenchmarkBook(b *testing.B) {
	keys := benchKeys(benchRows)
	var book ledger.Book
	b.ReportAllocs()
	for b.Loop() {
		for rest := keys; len(rest) > 0; {
			rest = rest[book.Add(rest):]
			if book.Full() {
				book.Take()
			}
		}
	}
	perSecond(b, benchRows)
}

func BenchmarkLedgerEncode(b *testing.B) {
	var l ledger.Ledger
	for i := range int64(3000) {
		l.Add(ledger.Start(1_986_000+i), 50_000+i)
	}
	for i := range int64(400) {
		l.AddRun(ledger.Run{
			Key:    fmt.Sprintf("seen/DeviceProcessEvents/20260901T000000.0000000Z-%d-1-0123abcd-0", i),
			SHA256: fmt.Sprintf("%064x", i), Start: ledger.Start(1_986_000 + i), End: ledger.Start(1_986_002 + i), Rows: ledger.RunKeys,
		})
	}
	for b.Loop() {
		data := l.Encode()
		if _, err := ledger.Decode(data); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(data)), "bytes")
	}
}
