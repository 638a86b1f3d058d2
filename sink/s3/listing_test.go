package s3_test

import (
	"fmt"
	"testing"

	"hunting-exporter/blob"
	"hunting-exporter/blob/blobtest/fakes3"
	blobs3 "hunting-exporter/blob/s3"
)

// TestSweepWithoutPrefix: on a server that finds no upload below a prefix (MinIO) the dead
// ones are found all the same, and nobody else's is touched.
func TestSweepWithoutPrefix(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	cfg := blobs3.Config{Endpoint: fakes3.Start(t, fakes3.NoUploadsByPrefix), PathStyle: true}
	open := func(prefix string) blob.Store {
		s, err := blobs3.Open(t.Context(), fakes3.Bucket, prefix, cfg)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	store, other := open("prefix"), open("other")
	begin := func(s blob.Store, epoch int64, n int) {
		for i := range n {
			key := fmt.Sprintf("DeviceEvents/dt=2026-03-04/%s.%d.parquet", attempt(epoch).Name(), i)
			if _, err := s.CreateUpload(t.Context(), key, ""); err != nil {
				t.Fatal(err)
			}
		}
	}
	begin(store, 1, 1003) // more than a page
	begin(store, 2, 2)
	begin(other, 1, 3)
	if err := newSink(t, store).Sweep(t.Context(), "DeviceEvents", 2); err != nil {
		t.Fatal(err)
	}
	if mine, others := len(inProgress(t, store)), len(inProgress(t, other)); mine != 2 || others != 3 {
		t.Errorf("%d uploads are left and %d of another lake, want 2 and 3", mine, others)
	}
}
