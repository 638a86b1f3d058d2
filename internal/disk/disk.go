// Package disk is what there is to know of local file systems: locks, and running full.
package disk

import (
	"errors"
	"syscall"
)

// Full reports whether a write failed for want of room: of the disk, of a quota, or below
// the largest size of a file that the process may have.
func Full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}
