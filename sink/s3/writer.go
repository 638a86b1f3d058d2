package s3

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"hunting-exporter/pipeline/commit"
	"hunting-exporter/sink/parquet"
	"hunting-exporter/state"
)

// writer uploads what one attempt has written to local files.
type writer struct {
	*parquet.Writer
	sink    *Sink
	attempt commit.Attempt
}

// Begin opens the attempt's local files.
func (s *Sink) Begin(a commit.Attempt) (commit.LakeWriter, error) {
	w, err := s.format.Begin(a.Dataset, a.From)
	if err != nil {
		return nil, err
	}
	return &writer{Writer: w, sink: s, attempt: a}, nil
}

// Prepare ends the files, reads them back, and uploads them. On an error it leaves
// every upload as it is: what was offered may be decided by somebody else.
func (w *writer) Prepare(ctx context.Context, to time.Time) ([]state.File, error) {
	var mu sync.Mutex
	out := []state.File{}
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
		return nil, fmt.Errorf("prepare: %w", err)
	}
	slices.SortFunc(out, func(a, b state.File) int { return cmp.Compare(a.Key, b.Key) })
	return out, nil
}

// upload sends a finished file in parts, invisible still, and notes upload and parts.
// A failed upload is left as it is: a later run's Sweep drops it.
func (w *writer) upload(ctx context.Context, local parquet.File) (f state.File, err error) {
	f = state.File{
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
