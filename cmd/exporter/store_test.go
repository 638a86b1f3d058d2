package main

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hunting-exporter/blob/blobtest/fakes3"
	"hunting-exporter/tenant"
)

// TestStoresThatRefuse: what a wrong setting of the store is about and what to do, said
// once, and the store's own answer after it.
func TestStoresThatRefuse(t *testing.T) {
	refuse := func(status int, code string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { fakes3.Refuse(w, status, code) }
	}
	t.Parallel()
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		env    map[string]string
		code   int
		advice string
		cause  string
	}{
		{"missing bucket", refuse(404, "NoSuchBucket"), nil, 2, "the bucket does not exist; create it", "NoSuchBucket"},
		{"wrong region, named", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("x-amz-bucket-region", "eu-west-3")
			fakes3.Refuse(w, 301, "PermanentRedirect")
		}, nil, 2, "set AWS_REGION=eu-west-3", "PermanentRedirect"},
		{"wrong region", refuse(400, "AuthorizationHeaderMalformed"), nil, 2, "correct AWS_REGION", "AuthorizationHeaderMalformed"},
		{"unknown key", refuse(403, "InvalidAccessKeyId"), nil, 4, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", "InvalidAccessKeyId"},
		{"wrong secret", refuse(403, "SignatureDoesNotMatch"), nil, 4, "correct AWS_SECRET_ACCESS_KEY", "SignatureDoesNotMatch"},
		{"no permission", refuse(403, "AccessDenied"), nil, 4, "service account's role", "AccessDenied"},
		{"old session", refuse(400, "ExpiredToken"), nil, 4, "AWS_SESSION_TOKEN", "ExpiredToken"},
		{"wrong clock", refuse(403, "RequestTimeTooSkewed"), nil, 4, "clock", "RequestTimeTooSkewed"},
		{"unknown KMS key", refuse(400, "KMS.NotFoundException"), nil, 2, "S3_KMS_KEY_ID", "KMS.NotFoundException"},
		{
			"no credentials", refuse(404, "NoSuchBucket"),
			map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
			4,
			"set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the pod's service account a role (IRSA or EKS Pod Identity)", "EC2 IMDS",
		},
		{"half of the credentials", refuse(404, "NoSuchBucket"), map[string]string{"AWS_SECRET_ACCESS_KEY": ""}, 4, "AWS_SECRET_ACCESS_KEY", "EC2 IMDS"},
		{"no token of the service account", refuse(404, "NoSuchBucket"), map[string]string{
			"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_ROLE_ARN": "arn:aws:iam::1:role/x", "AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere",
		}, 4, "service account a role", "/nowhere"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(c.answer)
			t.Cleanup(server.Close)
			_, env := served(t, tenant.Options{})
			maps.Copy(env, map[string]string{
				"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "eu-north-1",
				"AWS_ENDPOINT_URL_S3": server.URL, "S3_PATH_STYLE": "true", "LAKE_URL": "s3://lake",
			})
			maps.Copy(env, c.env)
			code, stdout, _ := runChild(t, env, "run")
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			said := reportOf(t, stdout).Error
			at, why := strings.Index(said, c.advice), strings.Index(said, c.cause)
			if at < 0 || why < at || !strings.HasPrefix(said, "LAKE_URL: ") {
				t.Errorf("%q, want LAKE_URL, then %q, then %q", said, c.advice, c.cause)
			}
			if strings.Count(said, c.advice) > 1 || strings.Contains(said, "\n") || strings.Contains(said, "delete") {
				t.Errorf("said more than once: %q", said)
			}
		})
	}
}

// TestStoreThatKeepsFraming: a store that changes what is written is found before any call,
// without conditional writes too, and what is said helps.
func TestStoreThatKeepsFraming(t *testing.T) {
	t.Parallel()
	for _, lock := range []string{"cas", "none"} {
		e, env := served(t, tenant.Options{CallsPerMinute: -1})
		fill(t, e.Tenant, "AlertInfo", time.Now(), 50)
		maps.Copy(env, map[string]string{
			"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_EC2_METADATA_DISABLED": "true",
			"AWS_ENDPOINT_URL_S3": fakes3.Start(t, fakes3.KeepsFraming), "S3_PATH_STYLE": "true", "LAKE_URL": "s3://" + fakes3.Bucket, "STATE_LOCK": lock, "EXPORT_TABLES": "AlertInfo",
		})
		code, stdout, _ := runChild(t, env, "run")
		if said := reportOf(t, stdout).Error; code != codeConfiguration || !strings.Contains(said, "set S3_CHECKSUM=when_required") {
			t.Errorf("%s: exit code %d, %q", lock, code, said)
		}
		env["S3_CHECKSUM"] = "when_required"
		if code, stdout, _ = runChild(t, env, "run"); code != codeDone || reportOf(t, stdout).Rows == 0 {
			t.Errorf("%s: exit code %d, %s", lock, code, stdout)
		}
	}
}
