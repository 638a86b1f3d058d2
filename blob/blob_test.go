package blob_test

import (
	"testing"

	"hunting-exporter/blob"
	"hunting-exporter/blob/blobtest"
	"hunting-exporter/blob/blobtest/fakes3"
)

func openDir(t *testing.T) blob.Store { return open(t, t.TempDir(), blob.Config{}) }

func open(t *testing.T, url string, cfg blob.Config) blob.Store {
	t.Helper()
	s, err := blob.Open(t.Context(), url, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fakeS3 starts an S3 that lives in memory and returns a store on it.
func fakeS3(t *testing.T, cfg blob.Config, faults ...fakes3.Fault) blob.Store {
	t.Helper()
	cfg.Endpoint, cfg.PathStyle = fakes3.Start(t, faults...), true
	return open(t, "s3://"+fakes3.Bucket+"/some/prefix", cfg)
}

func TestDirectoryConforms(t *testing.T) {
	t.Parallel()
	blobtest.Run(t, openDir)
}

func TestS3Conforms(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"when_supported", "when_required"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			// gofakes3 looks at If-None-Match on puts only, not on completion.
			blobtest.Run(t, func(t *testing.T) blob.Store {
				return fakeS3(t, blob.Config{Checksum: mode})
			}, blobtest.CompleteOverwrites)
		})
	}
}
