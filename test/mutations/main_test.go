package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestProtocolNamesEachSafeguard: the tables of docs/protocol.md have a line for each, with
// the file where it is, and no other.
func TestProtocolNamesEachSafeguard(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "protocol.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutations {
		if line := "\n| " + m.safeguard + " | `" + m.file + "` | `Test"; strings.Count(string(doc), line) != 1 {
			t.Errorf("docs/protocol.md has not one line %q", line)
		}
	}
	if n := strings.Count(string(doc), "` | `Test"); n != len(mutations) {
		t.Errorf("docs/protocol.md has %d safeguards, the list %d", n, len(mutations))
	}
}

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
