package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hunting-exporter/config"
	"hunting-exporter/tenant"
)

// Failing runs of every kind must not print a secret, at any level.
func TestNoSecretIsPrinted(t *testing.T) {
	t.Parallel()
	e, env := served(t, tenant.Options{CallsPerMinute: -1})
	fill(t, e.Tenant, "AlertInfo", time.Now(), 5)
	env["LOG_LEVEL"] = "debug"
	const planted = "PLANTED-5ecret"
	for _, v := range config.Variables() {
		if v.Secret && v.Name != "AZURE_CLIENT_SECRET" {
			env[v.Name] = planted + v.Name
		}
	}
	env["AWS_SECRET_ACCESS_KEY"], env["AWS_ACCESS_KEY_ID"] = planted, "key"
	refusing, refusingEnv := served(t, tenant.Options{})
	refusing.Tenant.Fault(func(c tenant.Call) tenant.Fault {
		if c.API == "token" {
			return tenant.Fault{}
		}
		return c.Forbidden()
	})
	began := with(env, "SOURCE_ENDPOINT", refusingEnv["SOURCE_ENDPOINT"], "AZURE_AUTHORITY_HOST", refusingEnv["AZURE_AUTHORITY_HOST"],
		"SSL_CERT_FILE", refusingEnv["SSL_CERT_FILE"])
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	t.Cleanup(store.Close)
	kafka := with(env, "KAFKA_BROKERS", "127.0.0.1:1", "KAFKA_SASL_MECHANISM", "plain", "KAFKA_SASL_USERNAME", "me")
	for name, c := range map[string]map[string]string{
		"bad configuration":   with(kafka, "SOURCE_API", "x", "KAFKA_SASL_MECHANISM", "", "AZURE_CLIENT_SECRET", planted),
		"wrong secret":        with(env, "AZURE_CLIENT_SECRET", planted, "KAFKA_SASL_PASSWORD", ""),
		"no permission":       began,
		"no broker":           with(kafka, "AZURE_CLIENT_SECRET", planted),
		"credentials in URLs": with(env, "LAKE_URL", "s3://k:"+planted+"@bucket", "SOURCE_ENDPOINT", "https://u:"+planted+"@host", "AWS_ENDPOINT_URL_S3", "https://k:"+planted+"@host"),
		"a proxy":             with(env, "HTTPS_PROXY", "http://me:"+planted+"%@proxy:3128", "KAFKA_SASL_PASSWORD", ""),
		"store refuses":       with(env, "LAKE_URL", "s3://bucket/lake", "AWS_REGION", "x", "S3_PATH_STYLE", "true", "AWS_ENDPOINT_URL_S3", store.URL),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, args := range [][]string{{"run", "--azure-client-certificate-password=" + planted, "--unknown=" + planted}, {"state", "show"}, {"run"}} {
				code, out, errs := runChild(t, c, args...)
				if code == 0 && args[0] == "run" {
					t.Errorf("%v ended well", args[:1])
				}
				if strings.Contains(out+errs, planted) {
					t.Errorf("%v printed a secret:\n%s%s", args, out, errs)
				}
			}
		})
	}
}
