package s3

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"hunting-exporter/blob"
)

// sweepRounds bounds how often a listing that breaks off is begun again.
const sweepRounds = 100

// Sweep aborts the dataset's uploads of runs before the given epoch, which are dead:
// their state writes can no longer take effect. Whose name is not an attempt's stays.
// Servers may refuse the marker of the next page that they gave (versitygw 1.8.0): what
// was listed is aborted, and the listing begun again while that makes it shorter.
func (s *Sink) Sweep(ctx context.Context, dataset string, epoch int64) error {
	total := 0
	var err error
	for range sweepRounds {
		var aborted int
		aborted, err = s.sweepListed(ctx, dataset, epoch)
		total += aborted
		if err == nil || aborted == 0 {
			break
		}
	}
	if total > 0 {
		s.log.InfoContext(ctx, "dropped uploads of earlier runs", "dataset", dataset, "uploads", total, "epoch", epoch)
	}
	if err != nil {
		return fmt.Errorf("sweep uploads of %s: %w", dataset, err)
	}
	return nil
}

// sweepListed aborts the dead uploads that one listing gives, whole or not.
func (s *Sink) sweepListed(ctx context.Context, dataset string, epoch int64) (aborted int, failed error) {
	var dead []blob.Upload // aborted after the listing, which pages
	for u, err := range s.store.Uploads(ctx, s.layout.days(dataset)) {
		if err != nil {
			failed = err
			break
		}
		if of, ok := epochOf(u.Key); ok && of < epoch {
			dead = append(dead, u)
		}
	}
	for _, u := range dead {
		switch err := s.store.AbortUpload(ctx, u.Key, u.ID); {
		case err == nil:
			aborted++
		case !errors.Is(err, blob.ErrNotFound):
			return aborted, err
		}
	}
	return aborted, failed
}

// Holds names a Parquet file of the dataset, whoever wrote it; empty: there is none.
func (s *Sink) Holds(ctx context.Context, dataset string) (key string, err error) {
	for _, place := range s.layout.places(dataset) {
		for key, err := range s.store.List(ctx, place) {
			if err != nil {
				return "", fmt.Errorf("look for files of %s: %w", dataset, err)
			}
			if strings.HasSuffix(key, ".parquet") {
				return key, nil
			}
		}
	}
	return "", nil
}
