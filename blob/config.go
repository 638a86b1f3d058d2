package blob

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"

	"hunting-exporter/internal/setting"
)

// Config is how S3 is reached. Credentials, profiles and everything else named
// AWS_* is read by the AWS SDK itself.
type Config struct {
	Region    string `env:"AWS_REGION"`
	Endpoint  string `env:"AWS_ENDPOINT_URL_S3"`
	PathStyle bool   `env:"S3_PATH_STYLE, default=false"`
	SSE       string `env:"S3_SSE"`
	KMSKeyID  string `env:"S3_KMS_KEY_ID"`
	Checksum  string `env:"S3_CHECKSUM, default=when_supported"`
}

// Problems lists every setting that cannot be used.
func (c Config) Problems() []setting.Problem {
	var problems []setting.Problem
	add := func(variable, value, reason, fix string) {
		problems = append(problems, setting.Problem{Variable: variable, Value: value, Reason: reason, Fix: fix})
	}
	switch c.Checksum {
	case "", "when_supported", "when_required":
	default:
		add("S3_CHECKSUM", c.Checksum, "not a known mode",
			"set when_supported, or when_required for a store that refuses newer checksums")
	}
	switch c.SSE {
	case "", "AES256", "aws:kms", "aws:kms:dsse":
	default:
		add("S3_SSE", c.SSE, "not a known encryption", "set AES256, aws:kms or aws:kms:dsse, or leave it empty")
	}
	if c.KMSKeyID != "" && !strings.HasPrefix(c.SSE, "aws:kms") {
		add("S3_KMS_KEY_ID", c.KMSKeyID, "a key is named, but S3_SSE is not aws:kms", "set S3_SSE=aws:kms, or name no key")
	}
	if c.Endpoint == "" {
		return problems
	}
	u, err := url.Parse(c.Endpoint)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		add("AWS_ENDPOINT_URL_S3", c.Endpoint, "not a URL", "set https://host[:port]")
	case u.User != nil:
		add("AWS_ENDPOINT_URL_S3", u.Redacted(), "carries credentials",
			"remove them and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	case u.RawQuery != "" || u.Fragment != "":
		add("AWS_ENDPOINT_URL_S3", u.Scheme+"://"+u.Host, "carries a query", "set https://host[:port]")
	}
	return problems
}

// Open returns the store of a URL: s3://bucket/prefix, file:///directory, or the
// path of a directory. It asks the store nothing; Probe does.
func Open(ctx context.Context, rawURL string, cfg Config) (Store, error) {
	at, err := parse(rawURL)
	if err != nil {
		return nil, err // without the URL: it may hold credentials
	}
	if at.bucket != "" {
		return openS3(ctx, at.bucket, at.prefix, cfg)
	}
	return openDir(at.dir)
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
		if err := CheckKey(prefix); err != nil {
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
