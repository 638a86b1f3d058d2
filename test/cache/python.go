package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
)

// Python returns an interpreter with the packages of a file of the test module, which is
// made anew when the file changes.
func Python(name, requirements string) (string, error) {
	dir, err := DirOf(name, requirements, func(dir, requirements string) error {
		if err := Run(dir, "python3", "-m", "venv", dir); err != nil {
			return err
		}
		return Run(dir, interpreter(dir), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements)
	})
	return interpreter(dir), err
}

func interpreter(dir string) string { return filepath.Join(dir, "bin", "python") }

// DirOf is Dir for an entry that a file of the test module decides: its name changes with
// the file's content, and fill is given the file's path.
func DirOf(name, file string, fill func(dir, file string) error) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	file = filepath.Join(root, file)
	content, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(content)
	return Dir(name+"-"+hex.EncodeToString(sum[:6]), func(dir string) error { return fill(dir, file) })
}
