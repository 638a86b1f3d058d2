package s3test

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// hasAttributes checks that the file system keeps user attributes, where versitygw
// puts ETags. Its sidecar directory is no way out: object and ETag then change one
// after the other, and conditional writes lose updates.
func hasAttributes(dir string) error {
	if err := unix.Setxattr(dir, "user.probe", []byte("1"), 0); err != nil {
		return fmt.Errorf("%s keeps no user attributes (%w): set TMPDIR to a directory on ext4, xfs or btrfs", dir, err)
	}
	return nil
}
