package setting

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode"
)

// mostBytes bounds the files that settings name: credentials are never large.
const mostBytes = 1 << 20

// Trim takes off what editors, shells and copying leave around a value: blanks, line ends
// and a byte order mark.
func Trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' })
}

// ReadFile reads a small file. Its errors leave the path out, which whoever asks names.
func ReadFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, unreadable(err)
	case info.IsDir():
		return nil, errors.New("is a directory")
	case !info.Mode().IsRegular():
		return nil, errors.New("is not a file")
	case info.Size() > mostBytes:
		return nil, errors.New("is larger than 1 MiB")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, unreadable(err)
	}
	return b, nil
}

func unreadable(err error) error {
	var at *os.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return fmt.Errorf("cannot be read: %w", err)
}

// ReadSecret reads a file that holds a secret and nothing else.
func ReadSecret(path string) (Secret, error) {
	b, err := ReadFile(path)
	if err != nil {
		return "", err
	}
	secret := Trim(string(b))
	if secret == "" {
		return "", errors.New("is empty")
	}
	return Secret(secret), nil
}
