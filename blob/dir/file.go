package dir

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/sethvargo/go-retry"

	"hunting-exporter/internal/disk"
)

const (
	dirMode  = 0o750
	fileMode = 0o640
)

// lock excludes every other process and goroutine that changes the key. There are
// 256 lock files, so that they do not grow with the number of objects.
func lock(ctx context.Context, root, key string) (unlock func(), err error) {
	dir := filepath.Join(root, filepath.FromSlash(locksDir))
	if err := makeDir(dir); err != nil {
		return nil, fmt.Errorf("lock: %w", fileError(err))
	}
	f, err := os.OpenFile(filepath.Join(dir, digest([]byte(key))[:2]), os.O_CREATE|os.O_RDWR, fileMode)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", fileError(err))
	}
	pauses := retry.WithCappedDuration(20*time.Millisecond, retry.NewExponential(time.Millisecond))
	for {
		held, err := disk.TryLock(f)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("lock %s: %w; use a file system with flock", f.Name(), err), f.Close())
		}
		if held {
			return func() { _ = f.Close() }, nil
		}
		wait, _ := pauses.Next()
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("wait for lock: %w", ctx.Err()), f.Close())
		case <-time.After(wait):
		}
	}
}

// writeFile writes size bytes of r under a temporary name, makes them durable and
// renames: path is never half there. It returns the sha256 of the content.
func writeFile(path string, r io.Reader, size int64) (string, error) {
	temporary := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".tmp")
	f, err := os.OpenFile(temporary, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, fileMode)
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, hash), r)
	if err == nil && n != size {
		err = fmt.Errorf("content is %d bytes long, not %d", n, size)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(temporary))
	}
	if err := os.Rename(temporary, path); err != nil {
		return "", errors.Join(err, os.Remove(temporary))
	}
	return hex.EncodeToString(hash.Sum(nil)), syncDir(filepath.Dir(path))
}

// makeDir is os.MkdirAll, with every directory it makes durable in its parent.
func makeDir(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent == dir {
		return &fs.PathError{Op: "mkdir", Path: dir, Err: fs.ErrNotExist}
	}
	if err := makeDir(parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(parent)
}

func syncDir(dir string) error {
	err := syncPath(dir)
	// Some file systems have nothing to sync in a directory, and say so.
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	return err
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func hashFile(ctx context.Context, path string) (sum string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	hash := sha256.New()
	size, err = copyContext(ctx, hash, f)
	return hex.EncodeToString(hash.Sum(nil)), size, errors.Join(err, f.Close())
}

func notADirectory(err error) bool { return errors.Is(err, syscall.ENOTDIR) }
