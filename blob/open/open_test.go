package open_test

import (
	"path/filepath"
	"strings"
	"testing"

	"hunting-exporter/blob/open"
	"hunting-exporter/blob/s3"
)

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
		s, err := open.Store(t.Context(), url, s3.Config{Region: "eu-west-1"})
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
		if _, err := open.Store(t.Context(), url, s3.Config{}); err == nil {
			t.Errorf("%q was opened", url)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error repeats credentials: %v", url, err)
		}
	}
}
