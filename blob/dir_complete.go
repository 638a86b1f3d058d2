package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// CompleteUpload joins the parts, checks them against their ETags and the sha256
// given at the start, and renames the whole into place. An object of the same
// content that stands there already is success; any other is ErrPrecondition.
func (d *dirStore) CompleteUpload(ctx context.Context, key, id string, parts []Part) error {
	dir, err := d.uploadPath(key, id)
	if err == nil {
		err = d.withUpload(ctx, key, dir, func(r uploadRecord) error {
			return d.complete(ctx, dir, r, parts)
		})
	}
	if err != nil {
		return fmt.Errorf("complete upload of %s: %w", key, fullError(err))
	}
	return nil
}

func (d *dirStore) complete(ctx context.Context, dir string, r uploadRecord, parts []Part) error {
	target, err := d.path(r.Key)
	if err != nil {
		return err
	}
	there, _, err := hashFile(ctx, target)
	switch {
	case err == nil && there == r.SHA256:
		return d.finish(ctx, dir, r.Key)
	case err == nil:
		return fmt.Errorf("an object of other content stands there: %w", ErrPrecondition)
	case !errors.Is(fileError(err), ErrNotFound):
		return fileError(err)
	}
	whole, err := join(ctx, dir, parts, r.SHA256)
	if err != nil {
		return err
	}
	if err := makeDir(filepath.Dir(target)); err != nil {
		return fileError(err)
	}
	if err := os.Rename(whole, target); err != nil {
		return err
	}
	return d.finish(ctx, dir, r.Key)
}

// finish makes the object durable before the upload disappears: a dead writer may
// have renamed and not synced.
func (d *dirStore) finish(ctx context.Context, dir, key string) error {
	if err := d.Sync(ctx, key); err != nil {
		return err
	}
	return removeUpload(dir)
}

// join makes one file of the parts, inside the upload's directory. A single part
// is that file already.
func join(ctx context.Context, dir string, parts []Part, sha256 string) (string, error) {
	var size int64
	for i, p := range parts {
		sum, n, err := hashFile(ctx, partPath(dir, p.Number))
		if err != nil {
			return "", fmt.Errorf("part %d: %v", p.Number, err) //nolint:errorlint // a lost part is not a lost upload
		}
		if sum != p.ETag {
			return "", fmt.Errorf("part %d is not the one that was uploaded", p.Number)
		}
		if i > 0 && p.Number <= parts[i-1].Number {
			return "", fmt.Errorf("part %d is out of order", p.Number)
		}
		size += n
	}
	switch len(parts) {
	case 0:
		return "", errors.New("an upload without parts cannot be completed")
	case 1:
		if sha256 != "" && parts[0].ETag != sha256 {
			return "", errors.New("the part's sha256 is not the one the upload promised")
		}
		return partPath(dir, parts[0].Number), nil
	}
	whole := filepath.Join(dir, ".whole")
	sum, err := writeFile(whole, contextReader{ctx, &partsReader{dir: dir, parts: parts}}, size)
	if err == nil && sha256 != "" && sum != sha256 {
		err = errors.New("the parts' sha256 is not the one the upload promised")
	}
	return whole, err
}

// partsReader reads the parts one after another, with one of them open at a time.
type partsReader struct {
	dir   string
	parts []Part
	open  *os.File
}

func (r *partsReader) Read(p []byte) (int, error) {
	for {
		if r.open == nil {
			if len(r.parts) == 0 {
				return 0, io.EOF
			}
			f, err := os.Open(partPath(r.dir, r.parts[0].Number))
			if err != nil {
				return 0, err
			}
			r.open, r.parts = f, r.parts[1:]
		}
		n, err := r.open.Read(p)
		if n > 0 {
			return n, nil
		}
		if closing := r.open.Close(); !errors.Is(err, io.EOF) || closing != nil {
			r.open, r.parts = nil, nil
			return 0, errors.Join(err, closing)
		}
		r.open = nil
	}
}
