package config

import (
	"os"
	"strings"
	"testing"
)

// TestReadmeNamesEveryVariable keeps the README's table and the struct tags together.
func TestReadmeNamesEveryVariable(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range Variables() {
		if !strings.Contains(string(text), "`"+v.Name+"`") {
			t.Errorf("README.md does not name %s", v.Name)
		}
		if v.Default != "" && v.Default != "0" && v.Default != "false" && !strings.Contains(string(text), v.Default) {
			t.Errorf("README.md does not give the default %s of %s", v.Default, v.Name)
		}
	}
	if lines := strings.Count(string(text), "\n"); lines > 200 {
		t.Errorf("README.md has %d lines, 200 at most", lines)
	}
}
