package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// demoMarker shows that a folder's tables were written by demo and may be replaced.
const demoMarker = ".hunting-exporter-demo"

// prepareDir makes the folder ready. Each demo has a new tenant, so an old lake of
// demo is replaced: tables and _meta only. A folder of anybody else's is refused.
func (d *demo) prepareDir() error {
	if strings.Contains(d.dir, "://") {
		return &usageError{errors.New("--dir names a folder on this machine; use run for anything else")}
	}
	entries, err := os.ReadDir(d.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &usageError{fmt.Errorf("--dir %s: %w", d.dir, err)}
	}
	marker := filepath.Join(d.dir, demoMarker)
	if _, err := os.Stat(marker); err != nil && len(entries) > 0 {
		return &usageError{fmt.Errorf("--dir %s holds files that demo did not write: choose a new or an empty folder", d.dir)}
	}
	if len(entries) > 0 {
		fmt.Fprintf(d.out, "Replacing what an earlier demo left in %s\n", d.dir)
	}
	for _, name := range append([]string{"_meta"}, demoTables...) {
		if err := os.RemoveAll(filepath.Join(d.dir, name)); err != nil {
			return fmt.Errorf("clear the demo's folder: %w", err)
		}
	}
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return fmt.Errorf("make the demo's folder: %w", err)
	}
	return os.WriteFile(marker, []byte("Written by `exporter demo`, which may replace the tables here.\n"), 0o644)
}

func joinTables(names []string) string { return strings.Join(names, ",") }
