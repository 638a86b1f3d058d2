package query

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"hunting-exporter/internal/setting"
)

// found are the files of a folder that have to do with queries.
type found struct {
	paths []string // *.kql
	meant []string // queries that have another ending
	// what is not read: switched off, as by another ending after .kql, or a query within other text
	aside []string
}

// warnings name what is not read, and may well be meant so.
func (f found) warnings() (all []string) {
	for _, path := range f.aside {
		all = append(all, path+" is not read: the name of a query's file ends in .kql and does not begin with a dot")
	}
	return all
}

const (
	fileEnding = ".kql"
	// mostFolders is far more than one has below another; a link that leads back has no end.
	mostFolders = 20
)

var (
	otherEndings = []string{".csl", ".kusto", ".kqlx", ".txt"}
	// textEndings are those of rules and pages that hold queries.
	textEndings = []string{".yaml", ".yml", ".md"}
	// operatorLine begins with an operator of KQL.
	operatorLine = regexp.MustCompile(`(?m)^\s*\|\s*(where|project|extend|summarize|join|union|distinct|parse|mv-expand|sort|order|take|limit|top|count)\b`)
)

// find looks through a folder and those below it, in the order of their names.
// What begins with a dot stays out: Kubernetes keeps the files of a ConfigMap twice,
// in ..data too, and .git is no folder of queries.
func find(dir string) (f found, err error) {
	if err = f.folder(dir, 0); err != nil {
		return found{}, err
	}
	return f, nil
}

func (f *found) folder(dir string, depth int) error {
	if depth > mostFolders {
		return fmt.Errorf("folders lie more than %d deep in it: is there a link that leads back?", mostFolders)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("%s cannot be read", dir)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		info, err := os.Stat(path) // of what a link leads to
		folder := err == nil && info.IsDir()
		switch {
		case folder && !strings.HasPrefix(e.Name(), "."):
			err = f.folder(path, depth+1)
			if err != nil {
				return err
			}
		case !folder:
			f.file(path)
		}
	}
	return nil
}

// file sorts a file in.
func (f *found) file(path string) {
	name := strings.ToLower(filepath.Base(path))
	ending := filepath.Ext(name)
	switch hidden := strings.HasPrefix(name, "."); {
	case ending == fileEnding && !hidden:
		f.paths = append(f.paths, path)
	case !hidden && slices.Contains(otherEndings, ending) && (ending != ".txt" || isKQL(path)):
		f.meant = append(f.meant, path)
	case strings.Contains(name, fileEnding), !hidden && name != "readme.md" && slices.Contains(textEndings, ending) && isKQL(path):
		f.aside = append(f.aside, path)
	}
}

// isKQL reports whether a file of text holds a query.
func isKQL(path string) bool {
	data, err := setting.ReadFile(path)
	if err != nil {
		return false
	}
	text, _ := readable(data)
	return operatorLine.MatchString(text) || strings.Contains(text, "_startTime")
}
