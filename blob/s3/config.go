package s3

import (
	"net/url"
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
