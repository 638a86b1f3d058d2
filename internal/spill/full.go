package spill

import (
	"fmt"
	"io/fs"
	"path/filepath"

	"hunting-exporter/internal/disk"
)

// Use is what somebody has on local disk.
type Use struct {
	Dir   string // where it lies
	For   string // what it is
	Bytes int64
	Rows  int64 // in these bytes
}

// FullError says that there is no room left for files on local disk, and how much they
// take by now.
type FullError struct {
	Use
	room string
	err  error
}

// Explain names place and use where a write failed for want of room.
func Explain(err error, u Use) error {
	if !disk.Full(err) {
		return err
	}
	return &FullError{Use: u, room: room(u.Dir), err: err}
}

func (e *FullError) Error() string {
	has := ""
	if e.Rows > 0 {
		has = fmt.Sprintf(", which need %s or more for %d rows so far", Size(e.Bytes), e.Rows)
	}
	return fmt.Sprintf("PIPELINE_SPILL: no room in %q%s for %s%s; make room there, or name a directory that has it: %v", e.Dir, e.room, e.For, has, e.err)
}

func (e *FullError) Unwrap() error { return e.err }

// Size gives bytes in a unit that people read.
func Size(bytes int64) string {
	if bytes < 10<<20 {
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%d MiB", bytes>>20)
}

// Taken is how many bytes the files below a directory have.
func Taken(dir string) (bytes int64) {
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			if info, err := e.Info(); err == nil {
				bytes += info.Size()
			}
		}
		return nil // what cannot be looked at is not counted
	})
	return bytes
}
