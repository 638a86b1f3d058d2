package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// Settings of every kind are wrong at once, some of which only opening a store, a log-in
// or another flag shows: one run, or one state command, names them all, and no second one
// finds more.
func TestEveryWrongSettingInOneMessage(t *testing.T) {
	t.Parallel()
	nowhere := filepath.Join(t.TempDir(), "none")
	base := map[string]string{
		asExporter: "1", "LOG_FORMAT": "text", "AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_PROFILE": "",
	}
	bucket := with(base, "LAKE_URL", "s3://bucket/lake", "STATE_LOCK", "rope", "EXPORT_TABLES", "alertinfo", "PARQUET_TIMESTAMP", "ms",
		"SOURCE_CLOUD", "moon", "HTTPS_PROXY", "http://%", "KAFKA_BROKERS", "k:9092", "KAFKA_SASL_MECHANISM", "scram-sha-512",
		"KAFKA_SASL_USERNAME", "u", "KAFKA_SASL_PASSWORD", "planted\x01", "AZURE_CLIENT_SECRET", "planted", "AZURE_CLIENT_SECRET_FILE", nowhere)
	file := with(base, "LAKE_URL", filepath.Join("testdata", "..", "cli.go"), "EXPORT_LAG", "x", "KAFKA_BROKERS", "k:9092", "KAFKA_TLS", "true",
		"KAFKA_SASL_MECHANISM", "aws-msk-iam", "STATE_LEASE", "0s")
	for name, c := range map[string]struct {
		env  map[string]string
		args []string
		all  []string
	}{
		"run": {bucket, []string{"run"}, []string{
			`AWS_REGION=""`, `STATE_LOCK="rope"`, `EXPORT_TABLES="alertinfo"`, `PARQUET_TIMESTAMP="ms"`, `SOURCE_CLOUD="moon"`, `HTTPS_PROXY="***"`,
			`KAFKA_SASL_PASSWORD="***"`, `AZURE_CLIENT_SECRET="***"`, `AZURE_TENANT_ID=""`, `AZURE_CLIENT_ID=""`,
		}},
		"backfill": {file, []string{"backfill", "--from", "800h"}, []string{
			`LAKE_URL="`, `EXPORT_LAG="x"`, `AWS_REGION=""`, `STATE_LEASE="0s"`, `EXPORT_TABLES=""`, `AZURE_CLIENT_SECRET=""`, `AZURE_TENANT_ID=""`, `AZURE_CLIENT_ID=""`, `--from "800h"`,
		}},
		"no sink": {with(base, "STATE_LOCK", "rope", "S3_SSE", "rot13", "PARQUET_TIMESTAMP", "ms"), []string{"run", "--dry-run"}, []string{
			`LAKE_URL=""`, `STATE_LOCK="rope"`, `S3_SSE="rot13"`, `PARQUET_TIMESTAMP="ms"`, `EXPORT_TABLES=""`, `AZURE_CLIENT_SECRET=""`, `AZURE_TENANT_ID=""`, `AZURE_CLIENT_ID=""`,
		}},
		"state show": {bucket, []string{"state", "show"}, []string{`AWS_REGION=""`, `STATE_LOCK="rope"`, `HTTPS_PROXY="***"`, `AZURE_CLIENT_SECRET="***"`}},
		"state adopt": {bucket, []string{"state", "adopt", "--all"}, []string{
			`AWS_REGION=""`, `STATE_LOCK="rope"`, `EXPORT_TABLES="alertinfo"`, `PARQUET_TIMESTAMP="ms"`, `SOURCE_CLOUD="moon"`, `KAFKA_SASL_PASSWORD="***"`,
			`HTTPS_PROXY="***"`, `AZURE_CLIENT_SECRET="***"`,
		}},
		"state resolve": {file, []string{"state", "resolve", "AlertInfo", "--committed"}, []string{`LAKE_URL="`, `AWS_REGION=""`, `STATE_LEASE="0s"`, `EXPORT_LAG="x"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, errs := runChild(t, c.env, c.args...)
			if code != codeConfiguration || strings.Contains(out+errs, "planted") {
				t.Errorf("exit code %d, want 2, and no secret", code)
			}
			for _, one := range c.all {
				if strings.Count(errs, one) != 1 {
					t.Errorf("%s: want it once", one)
				}
			}
			if got := strings.Count(errs, "\n  ") + strings.Count(errs, "--from"); got != len(c.all) {
				t.Errorf("%d are named, want %d", got, len(c.all))
			}
			if t.Failed() {
				t.Log(out + errs)
			}
		})
	}
}
