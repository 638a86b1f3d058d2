package s3_test
import ("testing";"runtime";"hunting-exporter/pipeline";"hunting-exporter/sink/s3";"hunting-exporter/schema";"github.com/apache/arrow/go/v15/arrow/array";"github.com/apache/arrow/go/v15/arrow";"github.com/apache/arrow/go/v15/arrow/memory")
func TestZZ(t *testing.T){
 rec,size:=processEvents(100_000)
 heap:=func() uint64 { runtime.GC(); var m runtime.MemStats; runtime.ReadMemStats(&m); return m.HeapAlloc>>20 }
 base:=heap()
 sink := newSink(t, dirStore(t), s3.Config{})
 w,_:=sink.Begin(attempt(1))
 for i:=range 12 { w.Write(t.Context(), pipeline.Batch{Record:rec}); t.Log(i, size>>20, heap()-base) }
 w.Close()
 // 64 days, few rows each
 w,_=sink.Begin(attempt(2))
 b:=array.NewInt64Builder(memory.DefaultAllocator)
 for i:=range 100_000 { b.Append(ticks(2026,1,1,0)+int64(i%64)*864_000_000_000) }
 col:=array.NewExtensionArrayWithStorage(schema.DateTime, b.NewArray())
 cols:=append([]arrow.Array{col}, rec.Columns()[1:]...)
 r2:=array.NewRecord(rec.Schema(), cols, 100_000)
 for i:=range 6 { w.Write(t.Context(), pipeline.Batch{Record:r2}); t.Log("64 days", i, heap()-base) }
 w.Close()
}
