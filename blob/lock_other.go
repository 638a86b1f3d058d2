//go:build !(linux || darwin || freebsd || netbsd || openbsd)

package blob

import (
	"errors"
	"os"
)

func tryLock(*os.File) (bool, error) {
	return false, errors.New("this operating system has no file lock the exporter knows; use s3://")
}
