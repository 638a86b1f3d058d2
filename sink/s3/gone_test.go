package s3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"hunting-exporter/blob"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/sink/parquet"
	"hunting-exporter/sink/s3"
)

// denying is a store that refuses uploads it does not know as it refuses an identity
// (s3s-fs), or all of them, as where a right is missing.
type denying struct {
	blob.Store
	all bool
}

var errForbidden = fmt.Errorf("%w: 403", blob.ErrDenied)

func (d denying) CompleteUpload(ctx context.Context, key, id string, parts []blob.Part) error {
	if d.all {
		return errForbidden
	}
	err := d.Store.CompleteUpload(ctx, key, id, parts)
	if errors.Is(err, blob.ErrNotFound) {
		return errForbidden
	}
	return err
}

func (d denying) AbortUpload(context.Context, string, string) error { return errForbidden }

// TestUnknownUploadIsDenied: 403 for an upload that no listing shows means that it is gone;
// for one that is there, that the right is missing.
func TestUnknownUploadIsDenied(t *testing.T) {
	everyStore(t, func(t *testing.T, store blob.Store) {
		files := prepare(t, newSink(t, store), attempt(1), threeDays())
		err := newSink(t, denying{store, true}).Publish(t.Context(), "DeviceEvents", receipt(t, files))
		if !errors.Is(err, blob.ErrDenied) || errors.Is(err, commit.ErrUploadGone) {
			t.Errorf("publish without the right: %v, want ErrDenied", err)
		}
		if err := store.AbortUpload(t.Context(), files[0].Key, files[0].UploadID); err != nil {
			t.Fatal(err)
		}
		err = newSink(t, denying{store, false}).Publish(t.Context(), "DeviceEvents", receipt(t, files))
		if !errors.Is(err, commit.ErrUploadGone) || !strings.Contains(err.Error(), "403") {
			t.Errorf("publish of an upload that is gone: %v, want ErrUploadGone with the store's answer", err)
		}
		if got := visible(t, store); len(got) != 2 {
			t.Errorf("visible: %q, want the other two", got)
		}
	})
}

// TestAbortThatFails: what cannot be dropped is told and stops nobody.
func TestAbortThatFails(t *testing.T) {
	everyStore(t, func(t *testing.T, store blob.Store) {
		files := prepare(t, newSink(t, store), attempt(1), threeDays())
		var log bytes.Buffer
		sink := s3.New(denying{store, true}, newFormat(t, parquet.Config{}), "", slog.New(slog.NewTextHandler(&log, nil)))
		if err := sink.Abort(t.Context(), "DeviceEvents", receipt(t, files)); err != nil {
			t.Error(err)
		}
		for _, f := range files {
			if !strings.Contains(log.String(), "dataset=DeviceEvents file=\""+f.Key) {
				t.Errorf("%s is not told: %s", f.Key, &log)
			}
		}
	})
}
