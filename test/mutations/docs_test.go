package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	quoted = regexp.MustCompile("`([^` ]+)`")
	link   = regexp.MustCompile(`\]\(([^)#]+)[)#]`)
)

// TestMaintainersPathsExist: the files and folders that docs/maintainers.md leads to are there, so
// that it moves along with the code.
func TestMaintainersPathsExist(t *testing.T) {
	root := filepath.Join("..", "..")
	for _, name := range []string{"maintainers.md", "glossary.md"} {
		doc, err := os.ReadFile(filepath.Join(root, "docs", name))
		if err != nil {
			t.Fatal(err)
		}
		paths := 0
		for _, m := range quoted.FindAllStringSubmatch(string(doc), -1) {
			path := m[1]
			if !isPath(path) {
				continue
			}
			paths++
			if found, err := filepath.Glob(filepath.Join(root, strings.ReplaceAll(path, "…", "*"))); err != nil || len(found) == 0 {
				t.Errorf("docs/%s names %s, which is not there: name the file that does it now", name, path)
			}
		}
		for _, m := range link.FindAllStringSubmatch(string(doc), -1) {
			if _, err := os.Stat(filepath.Join(root, "docs", m[1])); err != nil {
				t.Errorf("docs/%s links to %s: %v", name, m[1], err)
			}
		}
		if name == "maintainers.md" && paths < 40 {
			t.Errorf("docs/%s names %d paths", name, paths)
		}
	}
}

// isPath tells a file or folder of the project from other code.
func isPath(s string) bool {
	return !strings.HasPrefix(s, "_") && !strings.HasSuffix(s, "/") && !strings.ContainsAny(s, "=<>") &&
		(strings.Contains(s, "/") || strings.HasSuffix(s, ".go") || strings.HasSuffix(s, ".md"))
}
