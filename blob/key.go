package blob

import (
	"fmt"
	"strings"
)

// maxKey is what S3 allows, in bytes; directories are well within it.
const maxKey = 1024

// CheckKey refuses keys that a store could not hold as they are, or that would
// lead out of it. Segments that begin with a dot belong to the directory store.
func CheckKey(key string) error {
	if key == "" {
		return fmt.Errorf("key is empty")
	}
	if len(key) > maxKey {
		return fmt.Errorf("key of %d bytes: %d at most", len(key), maxKey)
	}
	for _, segment := range strings.Split(key, "/") {
		if segment == "" || segment[0] == '.' {
			return fmt.Errorf("key %q: a segment is empty or begins with a dot", key)
		}
	}
	return checkCharacters(key)
}

// CheckPrefix refuses prefixes that no key could have.
func CheckPrefix(prefix string) error {
	rest := strings.TrimSuffix(prefix, "/")
	if prefix == "" {
		return nil
	}
	return CheckKey(rest)
}

func checkCharacters(key string) error {
	for i := range len(key) {
		if key[i] < 0x20 || key[i] == 0x7f || key[i] == '\\' {
			return fmt.Errorf("key %q: control characters and backslashes are not allowed", key)
		}
	}
	return nil
}
