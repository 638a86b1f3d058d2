package demo

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// marker shows that a folder's tables were written by the demo and may be replaced.
const marker = ".hunting-exporter-demo"

// Check refuses what cannot be done, a folder of somebody else's above all.
func (d *Demo) Check() error {
	if d.Rows < 1 || d.Rows > 1_000_000 {
		return errors.New("--rows must be a number from 1 to 1000000")
	}
	if strings.Contains(d.Dir, "://") {
		return errors.New("--dir names a folder on this machine; use run for anything else")
	}
	entries, err := os.ReadDir(d.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--dir %s: %w", d.Dir, err)
	}
	if _, err := os.Stat(filepath.Join(d.Dir, marker)); err != nil && len(entries) > 0 {
		return fmt.Errorf("--dir %s holds files that demo did not write: choose a new or an empty folder", d.Dir)
	}
	if len(entries) > 0 {
		fmt.Fprintf(d.Out, "Replacing what an earlier demo left in %s\n", d.Dir)
	}
	return nil
}

// clear makes the folder ready. Each demo has a new tenant, so an old lake of the demo is
// replaced: tables and _meta only.
func (d *Demo) clear() error {
	for _, name := range append([]string{"_meta"}, Tables...) {
		if err := os.RemoveAll(filepath.Join(d.Dir, name)); err != nil {
			return fmt.Errorf("clear the demo's folder: %w", err)
		}
	}
	if err := os.MkdirAll(d.Dir, 0o755); err != nil {
		return fmt.Errorf("make the demo's folder: %w", err)
	}
	return os.WriteFile(filepath.Join(d.Dir, marker), []byte("Written by `exporter demo`, which may replace the tables here.\n"), 0o644)
}
