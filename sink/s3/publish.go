package s3

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"hunting-exporter/blob"
	"hunting-exporter/internal/crash"
	"hunting-exporter/pipeline/commit"
)

// publishesAtOnce bounds the files that are completed side by side: readers should
// see all of a commit's days as nearly at once as a lake without a table format can.
const publishesAtOnce = 8

// File is one file of a commit: an upload before it is published, an object after. A
// receipt lists them.
type File struct {
	Key      string      `json:"key"`
	Size     int64       `json:"size"`
	SHA256   string      `json:"sha256"`
	Rows     int64       `json:"rows"`
	UploadID string      `json:"upload_id,omitempty"`
	Parts    []blob.Part `json:"parts,omitempty"`
}

// Name is what the receipts of the lake are kept under.
func (s *Sink) Name() string { return commit.LakeName }

// filesOf reads a receipt.
func filesOf(receipt json.RawMessage) (files []File, err error) {
	if err := json.Unmarshal(receipt, &files); err != nil {
		return nil, fmt.Errorf("decode the lake's receipt: %w", err)
	}
	return files, nil
}

// Publish completes every upload and checks each object. One file's failure does
// not keep the others from being completed; every failure is reported.
func (s *Sink) Publish(ctx context.Context, _ string, receipt json.RawMessage) error {
	files, err := filesOf(receipt)
	if err != nil {
		return err
	}
	var (
		mu   sync.Mutex
		gone commit.GoneError
		rest bool
	)
	err = each(files, func(f File) error {
		err := s.publish(ctx, f)
		if err == nil {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		if errors.Is(err, commit.ErrUploadGone) {
			gone.Keys = append(gone.Keys, f.Key)
		} else {
			rest = true
		}
		return fmt.Errorf("publish %s: %w", f.Key, err)
	})
	if err == nil || rest {
		return err
	}
	gone.Err = err
	return &gone
}

// each runs do over the files, a few at a time, and joins the errors.
func each(files []File, do func(File) error) error {
	var (
		group errgroup.Group
		mu    sync.Mutex
		all   []error
	)
	group.SetLimit(publishesAtOnce)
	for _, f := range files {
		group.Go(func() error {
			defer crash.Exit()
			if err := do(f); err != nil {
				mu.Lock()
				defer mu.Unlock()
				all = append(all, err)
			}
			return nil
		})
	}
	_ = group.Wait() // errors are in all
	return errors.Join(all...)
}

func (s *Sink) publish(ctx context.Context, f File) error {
	there, err := s.check(ctx, f)
	if err != nil || there {
		return err
	}
	// The answer is not trusted either way: it can be lost, or come from somebody
	// who was faster. What stands there afterwards counts.
	completing := s.store.CompleteUpload(ctx, f.Key, f.UploadID, f.Parts)
	there, err = s.check(ctx, f)
	switch {
	case err != nil:
		return errors.Join(err, completing)
	case there:
		return nil
	case s.gone(ctx, f, completing):
		return fmt.Errorf("%w (upload %s): %w", commit.ErrUploadGone, f.UploadID, completing)
	case completing == nil:
		return errors.New("the store has completed the upload and does not show the object yet; try again")
	}
	return completing
}

// gone reports whether an answer means that there is no such upload. Some servers (s3s-fs)
// refuse an unknown one as others refuse an identity: where the key can be read, as it was,
// and no listing shows the upload, it is gone.
func (s *Sink) gone(ctx context.Context, f File, answer error) bool {
	if !errors.Is(answer, blob.ErrDenied) {
		return errors.Is(answer, blob.ErrNotFound)
	}
	for u, err := range s.store.Uploads(ctx, f.Key) {
		if err != nil {
			return !errors.Is(err, blob.ErrDenied)
		}
		if u.ID == f.UploadID {
			return false
		}
	}
	return true
}

// check reports whether the file's object is there, and makes it durable: the
// process that completed it may have died before it did.
func (s *Sink) check(ctx context.Context, f File) (there bool, err error) {
	info, err := s.store.Head(ctx, f.Key)
	switch {
	case errors.Is(err, blob.ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	case info.Size != f.Size || info.SHA256 != f.SHA256:
		return false, fmt.Errorf("%w: it has %d bytes, sha256 %q, and not %d bytes, sha256 %q",
			commit.ErrForeignObject, info.Size, info.SHA256, f.Size, f.SHA256)
	}
	return true, s.store.Sync(ctx, f.Key)
}

// Abort drops the uploads of an undecided attempt. None of its objects can be
// visible; if one is, nothing is touched. An upload that cannot be dropped harms nobody: it
// is left to a later Sweep.
func (s *Sink) Abort(ctx context.Context, dataset string, receipt json.RawMessage) error {
	files, err := filesOf(receipt)
	if err != nil {
		return err
	}
	err = each(files, func(f File) error {
		_, err := s.store.Head(ctx, f.Key)
		switch {
		case err == nil:
			return fmt.Errorf("abort %s: %w: it is visible, though the commit is undecided", f.Key, commit.ErrForeignObject)
		case errors.Is(err, blob.ErrNotFound):
			return nil
		}
		return fmt.Errorf("abort %s: %w", f.Key, err)
	})
	if err != nil {
		return err
	}
	return each(files, func(f File) error {
		err := s.store.AbortUpload(ctx, f.Key, f.UploadID)
		switch {
		case err == nil, errors.Is(err, blob.ErrNotFound):
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("abort %s: %w", f.Key, err)
		}
		s.log.WarnContext(ctx, "an upload that is of no more use may lie around until a later run drops it", "dataset", dataset, "file", f.Key, "error", err)
		return nil
	})
}
