package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMutationsApply: each text to change is there exactly once, so that a safeguard that
// moved does not drop out of the list.
func TestMutationsApply(t *testing.T) {
	for _, m := range mutations {
		src, err := os.ReadFile(filepath.Join("..", "..", m.file))
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(src), m.old); n != 1 {
			t.Errorf("%s: the text to change occurs %d times in %s", m.safeguard, n, m.file)
		}
	}
}
