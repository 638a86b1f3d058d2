// Package dir keeps objects as files of a directory, durably and safe from other processes.
package dir

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"hunting-exporter/blob"
	"hunting-exporter/internal/disk"
)

// Names of the directory store's own files. Readers of a lake skip names that
// begin with an underscore or a dot, and so does List those with a dot.
const (
	uploadsDir = "_meta/uploads"
	locksDir   = "_meta/.locks"
)

// store keeps objects as files. An ETag is the sha256 of the content.
type store struct{ root string }

// Open returns the store of a directory, which need not be there yet. It writes nothing.
func Open(root string) (blob.Store, error) {
	info, err := os.Stat(root)
	if err == nil && !info.IsDir() {
		return nil, fmt.Errorf("open store %s: it is a file", root)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open store %s: %w", root, fileError(err))
	}
	return &store{root: root}, nil
}

// URL names the directory.
func (d *store) URL() string { return (&url.URL{Scheme: "file", Path: d.root}).String() }

func (d *store) path(key string) (string, error) {
	if err := blob.CheckKey(key); err != nil {
		return "", err
	}
	return filepath.Join(d.root, filepath.FromSlash(key)), nil
}

// Get reads a whole object.
func (d *store) Get(ctx context.Context, key string) ([]byte, string, error) {
	path, err := d.path(key)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, "", fmt.Errorf("get %s: %w", key, err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, "", fmt.Errorf("get %s: %w", key, fileError(err))
	}
	return data, digest(data), nil
}

// Put replaces an object as a whole. Compare and rename happen under a lock that
// other processes honour, so of several conditional puts one takes effect.
func (d *store) Put(ctx context.Context, key string, data []byte, c blob.Condition) (string, error) {
	etag, err := d.put(ctx, key, data, c)
	if err != nil {
		return "", fmt.Errorf("put %s: %w", key, err)
	}
	return etag, nil
}

func (d *store) put(ctx context.Context, key string, data []byte, c blob.Condition) (string, error) {
	path, err := d.path(key)
	if err != nil {
		return "", err
	}
	unlock, err := lock(ctx, d.root, key)
	if err != nil {
		return "", err
	}
	defer unlock()
	if err := holds(path, c); err != nil {
		return "", err
	}
	if err := makeDir(filepath.Dir(path)); err != nil {
		return "", fileError(err)
	}
	// The lock makes one temporary name a key enough, so crashes leave no litter.
	etag, err := writeFile(path, bytes.NewReader(data), int64(len(data)))
	return etag, fileError(err)
}

func holds(path string, c blob.Condition) error {
	if c == (blob.Condition{}) {
		return nil
	}
	current, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if c.IfMatch != "" {
			return fmt.Errorf("no object to match: %w", blob.ErrPrecondition)
		}
		return nil
	case err != nil:
		return fileError(err)
	case c.Absent:
		return fmt.Errorf("object exists: %w", blob.ErrPrecondition)
	case digest(current) != c.IfMatch:
		return fmt.Errorf("object has changed: %w", blob.ErrPrecondition)
	}
	return nil
}

// Delete removes an object; one that is not there is no error.
func (d *store) Delete(ctx context.Context, key string) error {
	if err := d.remove(ctx, key); err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}

func (d *store) remove(ctx context.Context, key string) error {
	path, err := d.path(key)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	unlock, err := lock(ctx, d.root, key)
	if err != nil {
		return err
	}
	defer unlock()
	err = os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fileError(err)
	}
	return syncDir(filepath.Dir(path))
}

// Sync makes an object and the directories above it durable.
func (d *store) Sync(ctx context.Context, key string) error {
	path, err := d.path(key)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = syncPath(path)
	}
	for dir := filepath.Dir(path); err == nil && len(dir) >= len(d.root); dir = filepath.Dir(dir) {
		err = syncDir(dir)
		if dir == filepath.Dir(dir) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("sync %s: %w", key, fileError(err))
	}
	return nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// fileError turns the system's errors into those that callers tell apart.
func fileError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist) || notADirectory(err):
		return fmt.Errorf("%w: %w", blob.ErrNotFound, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %w", blob.ErrDenied, err)
	}
	return fullError(err)
}

// fullError says that it is the store's disk which has no room.
func fullError(err error) error {
	if disk.Full(err) {
		return fmt.Errorf("there is no room on the disk of the store, make some: %w", err)
	}
	return err
}

// copyContext copies until the end or until ctx is done.
func copyContext(ctx context.Context, w io.Writer, r io.Reader) (int64, error) {
	return io.Copy(w, contextReader{ctx, r})
}

type contextReader struct {
	ctx context.Context //nolint:containedctx // lives for one copy only
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
