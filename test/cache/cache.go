// Package cache keeps what the end-to-end tests fetch or build once: Kafka's
// jars, the tools of test/tools, a Python environment.
//
// It promises that an entry is either complete or made anew, also when several
// test processes ask for it at the same time and when one of them is killed.
package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// Root is the folder of the test module.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("cache: find the test module: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "tools", "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("cache: no folder above the working directory holds tools/go.mod: run the tests with go test")
		}
		dir = up
	}
}

// Dir returns the folder of an entry and fills it on first use. The name must
// change with what fill makes, by a version or a hash.
func Dir(name string, fill func(dir string) error) (string, error) {
	base, err := folder()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(base, name)
	return dir, locked(dir, func() error {
		done := filepath.Join(dir, ".done")
		if _, err := os.Stat(done); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := fill(dir); err != nil {
			return err
		}
		return os.WriteFile(done, nil, 0o644)
	})
}

// Tool builds a command that test/tools/go.mod pins and returns its path. It asks
// go build every time, which does nothing while the pinned version stays.
func Tool(name, pkg string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	base, err := folder()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(base, "bin", name)
	return bin, locked(bin, func() error {
		return Run(filepath.Join(root, "tools"), "go", "build", "-trimpath", "-o", bin, pkg)
	})
}

// Run runs a command in dir; what it printed is in the error.
func Run(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...) //nolint:noctx // bounded by the test's own timeout
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cache: run %s %q: %w\n%s", name, args, err, out)
	}
	return nil
}

func folder() (string, error) {
	if dir := os.Getenv("TEST_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	root, err := Root()
	return filepath.Join(root, ".cache"), err
}

// locked keeps other processes out: go test runs packages side by side.
func locked(path string, f func() error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("cache: %s: %w", path, err)
	}
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return fmt.Errorf("cache: %s: %w", path, err)
	}
	defer func() { _ = lock.Close() }() // lets go of the lock
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("cache: lock %s: %w", path, err)
	}
	if err := f(); err != nil {
		return fmt.Errorf("cache: %s: %w", path, err)
	}
	return nil
}
