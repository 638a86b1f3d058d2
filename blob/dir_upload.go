package blob

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// uploadFile describes an upload inside its directory. It is made first and
// removed last, so that what a crash leaves can be found and aborted.
const uploadFile = ".upload.json"

type uploadRecord struct {
	Key    string `json:"key"`
	ID     string `json:"id"`
	SHA256 string `json:"sha256"`
}

// uploadPath is where an upload's parts wait. Long keys do not fit a file's name
// once escaped, so those are hashed; the record holds the key in any case.
func (d *dirStore) uploadPath(key, id string) (string, error) {
	if err := CheckKey(key); err != nil {
		return "", err
	}
	if raw, err := hex.DecodeString(id); err != nil || len(raw) != 16 {
		return "", fmt.Errorf("upload id %q: %w", id, ErrNotFound)
	}
	name := url.PathEscape(key)
	if len(name) > 200 {
		name = digest([]byte(key))
	}
	return filepath.Join(d.root, filepath.FromSlash(uploadsDir), name+"."+id), nil
}

func partPath(dir string, number int32) string {
	return filepath.Join(dir, fmt.Sprintf(".part-%05d", number))
}

// CreateUpload makes the upload's directory and record, durably.
func (d *dirStore) CreateUpload(ctx context.Context, key, sha256 string) (string, error) {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails
	id := hex.EncodeToString(raw[:])
	dir, err := d.uploadPath(key, id)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = makeDir(dir)
	}
	if err == nil {
		err = writeJSON(filepath.Join(dir, uploadFile), uploadRecord{Key: key, ID: id, SHA256: sha256})
	}
	if err != nil {
		return "", fmt.Errorf("create upload of %s: %w", key, fileError(err))
	}
	return id, nil
}

func writeJSON(path string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = writeFile(path, strings.NewReader(string(data)), int64(len(data)))
	return err
}

func readRecord(dir string) (r uploadRecord, err error) {
	data, err := os.ReadFile(filepath.Join(dir, uploadFile))
	if err != nil {
		return r, fileError(err)
	}
	return r, json.Unmarshal(data, &r)
}

// PartSize is all of the object: a single part needs no joining.
func (d *dirStore) PartSize(size int64) int64 { return size }

// UploadPart writes one part, durably. Sent again, it replaces the part.
func (d *dirStore) UploadPart(ctx context.Context, key, id string, number int32, body io.ReadSeeker, size int64) (Part, error) {
	dir, err := d.uploadPath(key, id)
	if err == nil {
		_, err = readRecord(dir)
	}
	if err == nil {
		_, err = body.Seek(0, io.SeekStart)
	}
	var sum string
	if err == nil {
		sum, err = writeFile(partPath(dir, number), contextReader{ctx, body}, size)
	}
	if err != nil {
		return Part{}, fmt.Errorf("upload part %d of %s: %w", number, key, fileError(err))
	}
	return Part{Number: number, ETag: sum}, nil
}

// AbortUpload removes the parts, then the record.
func (d *dirStore) AbortUpload(ctx context.Context, key, id string) error {
	dir, err := d.uploadPath(key, id)
	if err == nil {
		err = d.withUpload(ctx, key, dir, func(uploadRecord) error { return removeUpload(dir) })
	}
	if err != nil {
		return fmt.Errorf("abort upload of %s: %w", key, err)
	}
	return nil
}

// withUpload runs do while nobody else completes or aborts an upload of the key.
func (d *dirStore) withUpload(ctx context.Context, key, dir string, do func(uploadRecord) error) error {
	unlock, err := d.lock(ctx, key)
	if err != nil {
		return err
	}
	defer unlock()
	record, err := readRecord(dir)
	if err != nil {
		return err
	}
	return do(record)
}

func removeUpload(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fileError(err)
	}
	for _, e := range entries {
		if e.Name() != uploadFile {
			err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	if err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

// Uploads lists the uploads that are neither completed nor aborted.
func (d *dirStore) Uploads(ctx context.Context, prefix string) iter.Seq2[Upload, error] {
	return func(yield func(Upload, error) bool) {
		err := checkPrefix(prefix)
		var entries []fs.DirEntry
		if err == nil {
			entries, err = os.ReadDir(filepath.Join(d.root, filepath.FromSlash(uploadsDir)))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			yield(Upload{}, fmt.Errorf("list uploads: %w", fileError(err)))
			return
		}
		for _, e := range entries {
			if err := ctx.Err(); err != nil {
				yield(Upload{}, fmt.Errorf("list uploads: %w", err))
				return
			}
			r, err := readRecord(filepath.Join(d.root, filepath.FromSlash(uploadsDir), e.Name()))
			if errors.Is(err, ErrNotFound) {
				continue // finished meanwhile
			}
			if err != nil {
				err = fmt.Errorf("list uploads: read %s: %w", e.Name(), err)
			} else if !strings.HasPrefix(r.Key, prefix) {
				continue
			}
			if !yield(Upload{Key: r.Key, ID: r.ID}, err) || err != nil {
				return
			}
		}
	}
}
