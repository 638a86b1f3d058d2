package s3

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"hunting-exporter/pipeline/commit"
	"hunting-exporter/sink/parquet"
)

// writer uploads what one attempt has written to local files.
type writer struct {
	*parquet.Writer
	sink    *Sink
	attempt commit.Attempt
}

// Begin opens the attempt's local files.
func (s *Sink) Begin(a commit.Attempt) (commit.Writer, error) {
	w, err := s.format.Begin(a.Dataset, a.From)
	if err != nil {
		return nil, err
	}
	return &writer{Writer: w, sink: s, attempt: a}, nil
}

// Prepare ends the files, reads them back, and uploads them. On an error it leaves
// every upload as it is: what was offered may be decided by somebody else.
func (w *writer) Prepare(ctx context.Context, to time.Time) (commit.Prepared, error) {
	var mu sync.Mutex
	out := []File{}
	err := w.Finish(ctx, to, func(ctx context.Context, f parquet.File) error {
		uploaded, err := w.upload(ctx, f)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		out = append(out, uploaded)
		return nil
	})
	if err != nil {
		return commit.Prepared{}, fmt.Errorf("prepare: %w", err)
	}
	slices.SortFunc(out, func(a, b File) int { return cmp.Compare(a.Key, b.Key) })
	var ready commit.Prepared
	for _, f := range out {
		ready.Files = append(ready.Files, commit.ManifestFile{Key: f.Key, Size: f.Size, SHA256: f.SHA256, Rows: f.Rows})
	}
	ready.Receipt, err = json.Marshal(out)
	return ready, err
}

// upload sends a finished file in parts, invisible still, and notes upload and parts.
// A failed upload is left as it is: a later run's Sweep drops it.
func (w *writer) upload(ctx context.Context, local parquet.File) (f File, err error) {
	f = File{
		Key:  w.sink.layout.key(w.attempt.Dataset.Name, local.Day, w.attempt.Name(), w.sink.format.Extension()),
		Size: local.Size, SHA256: local.SHA256, Rows: local.Rows,
	}
	disk, err := os.Open(local.Path)
	if err != nil {
		return f, fmt.Errorf("upload %s: %w", f.Key, err)
	}
	defer func() { err = errors.Join(err, disk.Close()) }()
	store := w.sink.store
	f.UploadID, err = store.CreateUpload(ctx, f.Key, f.SHA256)
	if err != nil {
		return f, fmt.Errorf("upload: %w", err)
	}
	part := store.PartSize(f.Size)
	for offset := int64(0); offset < f.Size; offset += part {
		n := min(part, f.Size-offset)
		number := int32(len(f.Parts) + 1)
		p, err := store.UploadPart(ctx, f.Key, f.UploadID, number, io.NewSectionReader(disk, offset, n), n)
		if err != nil {
			return f, fmt.Errorf("upload: %w", err)
		}
		f.Parts = append(f.Parts, p)
	}
	return f, nil
}
