package spill

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// room tells how much of a file system is free, if it says.
func room(dir string) string {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil || s.Blocks == 0 {
		return ""
	}
	unit := uint64(s.Bsize)
	return fmt.Sprintf(" (%s of %s are free)", Size(int64(s.Bavail*unit)), Size(int64(s.Blocks*unit)))
}
