package s3_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"hunting-exporter/blob/s3"
)

func TestProblems(t *testing.T) {
	for _, c := range []s3.Config{
		{}, {Checksum: "when_supported", SSE: "AES256"}, {SSE: "aws:kms", KMSKeyID: "k"}, {Endpoint: "http://127.0.0.1:7070"},
	} {
		if got := c.Problems(); len(got) != 0 {
			t.Errorf("%+v: %v", c, got)
		}
	}
	bad := s3.Config{Checksum: "never", SSE: "rot13", KMSKeyID: "k", Endpoint: "https://id:secret@host"}
	got := bad.Problems()
	var all strings.Builder
	for _, p := range got {
		all.WriteString(p.String() + "\n")
	}
	for _, variable := range []string{"S3_CHECKSUM", "S3_SSE", "S3_KMS_KEY_ID", "AWS_ENDPOINT_URL_S3"} {
		if !strings.Contains(all.String(), variable) {
			t.Errorf("%s is not reported", variable)
		}
	}
	if strings.Contains(all.String(), "secret") {
		t.Error("a secret is repeated")
	}
	if len(s3.Config{Endpoint: "host:9000"}.Problems()) != 1 {
		t.Error("an endpoint without scheme was taken")
	}
}

func TestRegionIsAsked(t *testing.T) {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	if _, err := s3.Open(t.Context(), "bucket", "", s3.Config{}); !errors.Is(err, s3.ErrNoRegion) {
		t.Errorf("open without region: %v", err)
	}
}
