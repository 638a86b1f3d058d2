package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"hunting-exporter/state"
)

// upload sends a finished file in parts, invisible still, and notes upload and parts.
// A failed upload is left as it is: a later run's Sweep drops it.
func (s *Sink) upload(ctx context.Context, path string, f *state.File) (err error) {
	disk, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("upload %s: %w", f.Key, err)
	}
	defer func() { err = errors.Join(err, disk.Close()) }()
	f.UploadID, err = s.store.CreateUpload(ctx, f.Key, f.SHA256)
	if err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	part := s.store.PartSize(f.Size)
	for offset := int64(0); offset < f.Size; offset += part {
		n := min(part, f.Size-offset)
		number := int32(len(f.Parts) + 1)
		p, err := s.store.UploadPart(ctx, f.Key, f.UploadID, number, io.NewSectionReader(disk, offset, n), n)
		if err != nil {
			return fmt.Errorf("upload: %w", err)
		}
		f.Parts = append(f.Parts, p)
	}
	return nil
}
