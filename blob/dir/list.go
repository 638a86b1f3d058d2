package dir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"strings"

	"hunting-exporter/blob"
)

// Head reads the whole file: its sha256 is what is there, not what was promised.
func (d *store) Head(ctx context.Context, key string) (blob.Info, error) {
	path, err := d.path(key)
	if err != nil {
		return blob.Info{}, fmt.Errorf("head %s: %w", key, err)
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return blob.Info{}, fmt.Errorf("head %s: %w: it is a directory", key, blob.ErrNotFound)
	}
	sum, size, err := hashFile(ctx, path)
	if err != nil {
		return blob.Info{}, fmt.Errorf("head %s: %w", key, fileError(err))
	}
	return blob.Info{Size: size, ETag: sum, SHA256: sum}, nil
}

// List yields the keys under prefix, in no particular order. What belongs to the
// store itself begins with a dot and is left out.
func (d *store) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if err := blob.CheckPrefix(prefix); err != nil {
			yield("", fmt.Errorf("list %s: %w", prefix, err))
			return
		}
		from := "."
		if i := strings.LastIndexByte(prefix, '/'); i > 0 {
			from = prefix[:i]
		}
		err := fs.WalkDir(os.DirFS(d.root), from, func(key string, e fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil // removed meanwhile
			case err != nil:
				return err
			case ctx.Err() != nil:
				return ctx.Err()
			case e.IsDir():
				return skip(key, e.Name(), prefix)
			case e.Name()[0] == '.' || !e.Type().IsRegular() || !strings.HasPrefix(key, prefix):
				return nil
			case !yield(key, nil):
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			yield("", fmt.Errorf("list %s: %w", prefix, fileError(err)))
		}
	}
}

// skip spares the directories that cannot hold a key under prefix.
func skip(dir, name, prefix string) error {
	if dir == "." {
		return nil
	}
	if name[0] == '.' || !strings.HasPrefix(dir+"/", prefix) && !strings.HasPrefix(prefix, dir+"/") {
		return fs.SkipDir
	}
	return nil
}
