package s3test

import "golang.org/x/sys/unix"

// hasAttributes says whether the file system keeps user attributes, where
// versitygw puts ETags and metadata; else it needs a second directory for them.
func hasAttributes(dir string) bool {
	return unix.Setxattr(dir, "user.probe", []byte("1"), 0) == nil
}
