package s3

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"

	"hunting-exporter/blob"
)

// attemptName matches the name that an attempt gives its files:
// <from>-<seq>-<epoch>-<commit id>.
var attemptName = regexp.MustCompile(`^\d+T\d{6}\.\d{7}Z-\d+-(\d+)-[0-9a-f]{8}\.`)

// Sweep aborts the dataset's uploads of runs before the given epoch, which are dead:
// their state writes can no longer take effect. Whose name is not an attempt's stays.
func (s *Sink) Sweep(ctx context.Context, dataset string, epoch int64) error {
	var dead []blob.Upload // aborted after the listing, which pages
	for u, err := range s.store.Uploads(ctx, dataset+"/") {
		if err != nil {
			return fmt.Errorf("sweep uploads of %s: %w", dataset, err)
		}
		if of, ok := epochOf(u.Key); ok && of < epoch {
			dead = append(dead, u)
		}
	}
	for _, u := range dead {
		if err := s.store.AbortUpload(ctx, u.Key, u.ID); err != nil && !errors.Is(err, blob.ErrNotFound) {
			return fmt.Errorf("sweep uploads of %s: %w", dataset, err)
		}
	}
	if len(dead) > 0 {
		s.log.InfoContext(ctx, "dropped uploads of earlier runs", "dataset", dataset, "uploads", len(dead), "epoch", epoch)
	}
	return nil
}

func epochOf(key string) (int64, bool) {
	m := attemptName.FindStringSubmatch(path.Base(key))
	if m == nil {
		return 0, false
	}
	epoch, err := strconv.ParseInt(m[1], 10, 64)
	return epoch, err == nil
}
