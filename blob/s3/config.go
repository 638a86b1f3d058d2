package s3

import (
	"net/url"
	"strings"

	"hunting-exporter/internal/setting"
)

// Config is how S3 is reached. Credentials, profiles and everything else named
// AWS_* is read by the AWS SDK itself.
type Config struct {
	Region    string `env:"AWS_REGION" help:"region of the bucket and of 'aws-msk-iam'; as every AWS SDK reads it" literal:"" chart:"^[a-z0-9-]*$"`
	Endpoint  string `env:"AWS_ENDPOINT_URL_S3" help:"S3 endpoint instead of AWS's own" literal:"" chart:"^(https?://[^@?#]*)?$"`
	PathStyle bool   `env:"S3_PATH_STYLE, default=false" help:"bucket in the path instead of the host name"`
	SSE       string `env:"S3_SSE" help:"server-side encryption" values:"AES256 aws:kms aws:kms:dsse" wrong:"not a known encryption" fix:"set AES256, aws:kms or aws:kms:dsse, or leave it empty"`
	KMSKeyID  string `env:"S3_KMS_KEY_ID" help:"key of 'aws:kms'" literal:""`
	Checksum  string `env:"S3_CHECKSUM, default=when_supported" help:"'when_supported', or 'when_required' for stores that refuse newer checksums" values:"when_supported when_required" wrong:"not a known mode" fix:"set when_supported, or when_required for a store that refuses newer checksums"`
}

// Problems lists every setting that cannot be used.
func (c Config) Problems() []setting.Problem {
	problems := setting.Judge(setting.WithDefaults(c))
	if c.KMSKeyID != "" && !strings.HasPrefix(c.SSE, "aws:kms") {
		problems.Add("S3_KMS_KEY_ID", c.KMSKeyID, "a key is named, but S3_SSE is not aws:kms", "set S3_SSE=aws:kms, or name no key")
	}
	if c.Endpoint == "" {
		return problems
	}
	u, err := url.Parse(c.Endpoint)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		problems.Add("AWS_ENDPOINT_URL_S3", c.Endpoint, "not a URL", "set https://host[:port]")
	case u.User != nil:
		problems.Add("AWS_ENDPOINT_URL_S3", u.Redacted(), "carries credentials",
			"remove them and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	case u.RawQuery != "" || u.Fragment != "":
		problems.Add("AWS_ENDPOINT_URL_S3", u.Scheme+"://"+u.Host, "carries a query", "set https://host[:port]")
	}
	return problems
}
