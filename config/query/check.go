package query

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hunting-exporter/internal/setting"
)

// stdinName is the argument that stands for standard input.
const stdinName = "-"

// Checked are the files that somebody has asked about.
type Checked struct {
	Files    []File
	Warnings []string // of what is not read
	table    bool     // there may be several
}

// Check judges files and what is in folders; - stands for standard input.
func Check(args []string, in io.Reader) (Checked, error) {
	var (
		f       found
		checked = Checked{table: len(args) > 1}
		stdin   []byte
	)
	for _, arg := range args {
		info, err := os.Stat(arg)
		switch {
		case arg == stdinName && stdin == nil:
			if stdin, err = io.ReadAll(io.LimitReader(in, maxQueryBytes+1)); err != nil || len(stdin) > maxQueryBytes {
				return checked, fmt.Errorf("standard input is longer than the %d bytes that the API takes, or cannot be read", maxQueryBytes)
			}
			f.paths = append(f.paths, arg)
		case err == nil && info.IsDir():
			checked.table = true
			before := len(f.paths) + len(f.meant)
			if err := f.folder(arg, 0); err != nil {
				return checked, fmt.Errorf("%s: %w", arg, err)
			}
			if len(f.paths)+len(f.meant) == before {
				return checked, fmt.Errorf("%s holds no *.kql file", arg)
			}
		default:
			f.paths = append(f.paths, arg)
		}
	}
	checked.Files = judgeAll(slices.Concat(f.paths, f.meant), stdin)
	for i := range checked.Files {
		q := &checked.Files[i]
		_, err := os.Stat(q.Path)
		switch other := !strings.EqualFold(filepath.Ext(q.Path), fileEnding) && err == nil; {
		case other && i >= len(f.paths):
			q.refuse(0, "is not read, since its name does not end in %s: rename it", fileEnding)
		case other:
			q.warn(0, "of a folder, only files whose names end in %s are read: rename it", fileEnding)
		}
	}
	checked.Warnings = f.warnings()
	return checked, nil
}

// maxQueryBytes is the longest query that the API takes.
const maxQueryBytes = 1 << 20

// readQuery reads a query's file.
func readQuery(path string, stdin []byte) ([]byte, error) {
	if path == stdinName && stdin != nil {
		return stdin, nil
	}
	data, err := setting.ReadFile(path)
	if err == nil && len(data) == 0 {
		err = errors.New("is empty")
	}
	return data, err
}
