//go:build !(linux || darwin || freebsd || netbsd || openbsd)

package disk

import (
	"errors"
	"os"
)

// TryLock fails: there is no lock.
func TryLock(*os.File) (bool, error) {
	return false, errors.New("this operating system has no file lock the exporter knows; use s3://")
}
