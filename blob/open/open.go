// Package open says which store a URL means.
package open

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"

	"hunting-exporter/blob"
	"hunting-exporter/blob/dir"
	"hunting-exporter/blob/s3"
)

// Store returns the store of a URL: s3://bucket/prefix, file:///directory, or the
// path of a directory. It asks the store nothing; blob.Probe does.
func Store(ctx context.Context, rawURL string, cfg s3.Config) (blob.Store, error) {
	at, err := parse(rawURL)
	if err != nil {
		return nil, err // without the URL: it may hold credentials
	}
	if at.bucket != "" {
		return s3.Open(ctx, at.bucket, at.prefix, cfg)
	}
	return dir.Open(at.dir)
}

// location is a parsed URL: a bucket and prefix, or a directory.
type location struct{ bucket, prefix, dir string }

var (
	bucketName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$`)
	schemeLike = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`)
)

func parse(raw string) (location, error) {
	switch {
	case strings.TrimSpace(raw) == "":
		return location{}, errors.New("URL is empty; give s3://bucket/prefix or a directory")
	case strings.ContainsRune(raw, 0):
		return location{}, errors.New("URL contains a NUL character; remove it")
	case strings.HasPrefix(raw, "s3://"):
		return parseS3(strings.TrimPrefix(raw, "s3://"))
	case strings.HasPrefix(raw, "file://"):
		return parseFile(raw)
	case strings.HasPrefix(raw, "s3//"):
		return location{}, errors.New("URL lacks the colon of s3://; give s3://bucket/prefix")
	case schemeLike.MatchString(raw):
		return location{}, errors.New("URL has an unknown scheme; give s3://bucket/prefix, file:///directory or a directory")
	}
	abs, err := filepath.Abs(raw)
	return location{dir: abs}, err
}

func parseS3(rest string) (location, error) {
	bucket, prefix, _ := strings.Cut(rest, "/")
	switch {
	case strings.Contains(bucket, "@"):
		return location{}, errors.New("URL holds credentials; remove them and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	case strings.ContainsAny(rest, "?#"):
		return location{}, errors.New("URL has a query or fragment; remove it, settings are S3_* and AWS_* variables")
	case !bucketName.MatchString(bucket):
		return location{}, errors.New("URL names no valid bucket; give s3://bucket/prefix")
	}
	prefix = strings.TrimSuffix(prefix, "/")
	if prefix != "" {
		if err := blob.CheckKey(prefix); err != nil {
			return location{}, fmt.Errorf("prefix of URL: %w", err)
		}
	}
	return location{bucket: bucket, prefix: prefix}, nil
}

func parseFile(raw string) (location, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return location{}, errors.New("file URL cannot be parsed; give file:///directory")
	case u.User != nil || (u.Host != "" && u.Host != "localhost"):
		return location{}, errors.New("file URL names a host; give file:///directory")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return location{}, errors.New("file URL has a query or fragment; remove it")
	case !strings.HasPrefix(u.Path, "/") || strings.ContainsRune(u.Path, 0):
		return location{}, errors.New("file URL has no absolute path; give file:///directory")
	}
	for _, segment := range strings.Split(u.Path, "/") {
		if segment == ".." {
			return location{}, errors.New(`file URL contains ".."; give the directory itself`)
		}
	}
	return location{dir: filepath.Clean(u.Path)}, nil
}
