package dir

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

	"hunting-exporter/blob"
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
func (d *store) uploadPath(key, id string) (string, error) {
	if err := blob.CheckKey(key); err != nil {
		return "", err
	}
	if raw, err := hex.DecodeString(id); err != nil || len(raw) != 16 {
		return "", fmt.Errorf("upload id %q: %w", id, blob.ErrNotFound)
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
func (d *store) CreateUpload(ctx context.Context, key, sha256 string) (string, error) {
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
func (d *store) PartSize(size int64) int64 { return size }

// UploadPart writes one part, durably. Sent again, it replaces the part.
func (d *store) UploadPart(ctx context.Context, key, id string, number int32, body io.ReadSeeker, size int64) (blob.Part, error) {
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
		return blob.Part{}, fmt.Errorf("upload part %d of %s: %w", number, key, fileError(err))
	}
	return blob.Part{Number: number, ETag: sum}, nil
}

// AbortUpload removes the parts, then the record.
func (d *store) AbortUpload(ctx context.Context, key, id string) error {
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
func (d *store) withUpload(ctx context.Context, key, dir string, do func(uploadRecord) error) error {
	unlock, err := lock(ctx, d.root, key)
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
func (d *store) Uploads(ctx context.Context, prefix string) iter.Seq2[blob.Upload, error] {
	return func(yield func(blob.Upload, error) bool) {
		err := blob.CheckPrefix(prefix)
		var entries []fs.DirEntry
		if err == nil {
			entries, err = os.ReadDir(filepath.Join(d.root, filepath.FromSlash(uploadsDir)))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			yield(blob.Upload{}, fmt.Errorf("list uploads: %w", fileError(err)))
			return
		}
		for _, e := range entries {
			if err := ctx.Err(); err != nil {
				yield(blob.Upload{}, fmt.Errorf("list uploads: %w", err))
				return
			}
			r, err := readRecord(filepath.Join(d.root, filepath.FromSlash(uploadsDir), e.Name()))
			if errors.Is(err, blob.ErrNotFound) {
				continue // finished meanwhile
			}
			if err != nil {
				err = fmt.Errorf("list uploads: read %s: %w", e.Name(), err)
			} else if !strings.HasPrefix(r.Key, prefix) {
				continue
			}
			if !yield(blob.Upload{Key: r.Key, ID: r.ID}, err) || err != nil {
				return
			}
		}
	}
}

// CompleteUpload joins the parts, checks them against their ETags and the sha256
// given at the start, and renames the whole into place. An object of the same
// content that stands there already is success; any other is ErrPrecondition.
func (d *store) CompleteUpload(ctx context.Context, key, id string, parts []blob.Part) error {
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

func (d *store) complete(ctx context.Context, dir string, r uploadRecord, parts []blob.Part) error {
	target, err := d.path(r.Key)
	if err != nil {
		return err
	}
	there, _, err := hashFile(ctx, target)
	switch {
	case err == nil && there == r.SHA256:
		return d.finish(ctx, dir, r.Key)
	case err == nil:
		return fmt.Errorf("an object of other content stands there: %w", blob.ErrPrecondition)
	case !errors.Is(fileError(err), blob.ErrNotFound):
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
func (d *store) finish(ctx context.Context, dir, key string) error {
	if err := d.Sync(ctx, key); err != nil {
		return err
	}
	return removeUpload(dir)
}

// join makes one file of the parts, inside the upload's directory. A single part
// is that file already.
func join(ctx context.Context, dir string, parts []blob.Part, sha256 string) (string, error) {
	var size int64
	for i, p := range parts {
		sum, n, err := hashFile(ctx, partPath(dir, p.Number))
		if err != nil {
			return "", fmt.Errorf("part %d: %w", p.Number, err)
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
	parts []blob.Part
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
