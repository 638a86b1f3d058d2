package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestInsertKeepsTheWordsAround(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doc.md")
	text := "Before.\n<!-- measured: a -->\nold\n<!-- end of a -->\nBetween.\n<!-- measured: b -->\n<!-- end of b -->\nAfter.\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := insert(path, map[string]string{"a": "new", "b": "$1"})
	want := "Before.\n<!-- measured: a -->\n\nnew\n\n<!-- end of a -->\nBetween.\n<!-- measured: b -->\n\n$1\n\n<!-- end of b -->\nAfter.\n"
	if err != nil || got != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	if _, err := insert(path, map[string]string{"c": ""}); err == nil || !strings.Contains(err.Error(), "measured: c") {
		t.Errorf("no place for c: %v", err)
	}
}

func TestParseBenchmarks(t *testing.T) {
	got := parse("pkg: p/one\ncpu: x\nBenchmarkA/b-2  \t  10\t 200 ns/op\t 5.5 MB/s\t 0 allocs/op\nBenchmarkA/b-2\t 12\t 100 ns/op\nBenchmarkA/b-2\t 12\t 300 ns/op\npkg: p/two\nBenchmarkA/b\t 1\t 7 ns/op\nPASS\n")
	if len(got) != 2 || got[0].pkg != "p/one" || got[1].pkg != "p/two" || got[0].name != "A/b" || got[1].name != "A/b" {
		t.Fatalf("%+v", got)
	}
	if b := got[0]; b.median("ns/op") != 200 || b.cell("MB/s", 2, 1) != "11.0" || b.cell("rows/s", 1, 0) != "" {
		t.Errorf("%+v", b)
	}
}

// A sample belongs to the stage that stands first in the list, wherever in the stack.
func TestByStage(t *testing.T) {
	spent := byStage(`File: exporter
Duration: 1s, Total samples = 100ms
-----------+-----
      10ms   runtime.memmove
             net.(*conn).Read
             hunting-exporter/transform.(*decoder).refill (inline)
-----------+-----
      20ms   github.com/klauspost/compress/zstd.(*Decoder).DecodeAll
             hunting-exporter/sink/parquet.readGroup
-----------+-----
      30ms   memeqbody
             hunting-exporter/internal/intern.(*Table).Find (inline)
             hunting-exporter/transform.(*decoder).cell
-----------+-----
      40ms   runtime.gcDrain
             runtime.gcBgMarkWorker
-----------+-----
       5ms   somebody.else
`)
	want := map[string]float64{"read HTTP and TLS": 10, "verify the file": 20, "dictionaries": 30, "runtime: garbage collection, scheduler": 40, "other": 5}
	for i, s := range stages {
		if spent[i] != want[s.name] {
			t.Errorf("%s: %g ms, want %g", s.name, spent[i], want[s.name])
		}
	}
}
