package blob_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"hunting-exporter/blob"
)

func digest(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

func TestURLs(t *testing.T) {
	here, err := filepath.Abs("lake")
	if err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{
		"s3://bucket":            "s3://bucket",
		"s3://bucket/":           "s3://bucket",
		"s3://bucket/a/b/":       "s3://bucket/a/b",
		"/lake":                  "file:///lake",
		"file:///lake":           "file:///lake",
		"file://localhost/lake/": "file:///lake",
		"file:///with%20space":   "file:///with%20space",
		"lake":                   "file://" + here,
		"./lake":                 "file://" + here,
		"/a/../b":                "file:///b",
	} {
		s, err := blob.Open(t.Context(), url, blob.Config{Region: "eu-west-1"})
		if err != nil {
			t.Errorf("%s: %v", url, err)
		} else if s.URL() != want {
			t.Errorf("%s: store is %s, want %s", url, s.URL(), want)
		}
	}
	for _, url := range []string{
		"", "s3://", "s3:///prefix", "s3://b", "s3:bucket", "s3://key:secret@bucket/x", "s3://bucket/a?x=1", "s3://bucket#f",
		"s3://bucket/../x", "s3://bucket/a//b", "s3://bucket//a", "file://host/lake", "file:///a/../b", "file:///a/%2e%2e/b", "file:///a?x",
		"file:lake", "gs://bucket", "https://bucket.s3.amazonaws.com/", "a\x00b",
	} {
		if _, err := blob.Open(t.Context(), url, blob.Config{}); err == nil {
			t.Errorf("%q was opened", url)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error repeats credentials: %v", url, err)
		}
	}
}

func TestProblems(t *testing.T) {
	for _, c := range []blob.Config{
		{}, {Checksum: "when_supported", SSE: "AES256"}, {SSE: "aws:kms", KMSKeyID: "k"}, {Endpoint: "http://127.0.0.1:7070"},
	} {
		if got := c.Problems(); len(got) != 0 {
			t.Errorf("%+v: %v", c, got)
		}
	}
	bad := blob.Config{Checksum: "never", SSE: "rot13", KMSKeyID: "k", Endpoint: "https://id:secret@host"}
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
	if len(blob.Config{Endpoint: "host:9000"}.Problems()) != 1 {
		t.Error("an endpoint without scheme was taken")
	}
}

func TestRegionIsAsked(t *testing.T) {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	if _, err := blob.Open(t.Context(), "s3://bucket", blob.Config{}); !errors.Is(err, blob.ErrNoRegion) {
		t.Errorf("open without region: %v", err)
	}
}
