package transform_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hunting-exporter/schema"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestGolden(t *testing.T) {
	body, err := os.ReadFile(filepath.Join("testdata", "graph.json"))
	if err != nil {
		t.Fatal(err)
	}
	batch := turn(t, string(body))
	var b strings.Builder
	s := batch.Record.Schema()
	fmt.Fprintf(&b, "schema %s\n", schema.Fingerprint(s))
	for i, row := range cells(batch.Record) {
		fmt.Fprintf(&b, "\nrow %d, hash %x\n", i, batch.Hashes[i])
		for j, cell := range row {
			fmt.Fprintf(&b, "  %s %s: %q\n", s.Field(j).Name, schema.ArrowType(schema.APIType(s.Field(j))), cell)
		}
	}
	for _, r := range batch.Rejects {
		fmt.Fprintf(&b, "\nrejected: %s\n  %s\n", r.Reason, r.Row)
	}
	golden := filepath.Join("testdata", "graph.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
