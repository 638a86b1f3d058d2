package config

import (
	"slices"
	"strings"
	"testing"

	"hunting-exporter/internal/setting"
)

// What a later version will do is refused, all alike, instead of left undone without a word.
func TestSettingsOfALaterVersion(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"SOURCE_SHARE": "0.5", "LAKE_LAYOUT": "iceberg", "KAFKA_COMPRESSION": "lz4", "KAFKA_TOPIC_CREATE": "partitions=6", "KAFKA_VALUE": "avro",
		"KAFKA_SCHEMA_REGISTRY_URL": "https://u:planted@registry", "METRICS_PUSH_URL": "http://push/planted", "KAFKA_FORMAT": "splunk",
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel/planted", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://otel/planted",
		"OTEL_EXPORTER_OTLP_HEADERS": "authorization=planted", "OTEL_TRACES_EXPORTER": "otlp", "OTEL_METRICS_EXPORTER": "prometheus",
	} {
		v := NewValues(nil, environ(usable("KAFKA_BROKERS", "127.0.0.1:9092", name, value)))
		_, err := Load(t.Context(), v, func(cfg Config) []setting.Problem { return cfg.Problems(noon) })
		said := ""
		if err != nil {
			said = err.Error()
		}
		if strings.Count(said, "\n") != 1 || !strings.Contains(said, name+"=") || !strings.Contains(said, setting.IsLater) || strings.Contains(said, "planted") {
			t.Errorf("%s=%s: %q", name, value, said)
		}
		if got := v.Warnings(); len(got) > 0 {
			t.Errorf("%s=%s is refused and warned of: %q", name, value, got)
		}
	}
	for _, fine := range [][]string{
		{"LAKE_LAYOUT", "hive"},
		{"KAFKA_VALUE", "json"},
		{"KAFKA_COMPRESSION", "zstd"},
		{"METRICS_PUSH_URL", ""},
		{"OTEL_SERVICE_NAME", "exporter", "OTEL_RESOURCE_ATTRIBUTES", "a=b"},
		{"OTEL_TRACES_EXPORTER", "none"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel", "OTEL_METRICS_EXPORTER", "otlp", "OTEL_SDK_DISABLED", "true"},
	} {
		if _, problems := judged(t, nil, usable(fine...)); len(problems) > 0 {
			t.Errorf("%q is what this version does: %v", fine, problems)
		}
		if got := NewValues(nil, environ(usable(fine...))).Warnings(); len(got) > 0 {
			t.Errorf("%q is warned of: %q", fine, got)
		}
	}
}

// The help offers only what works.
func TestHelpOffersNothingOfALaterVersion(t *testing.T) {
	t.Parallel()
	for _, v := range Variables() {
		for _, word := range []string{"eventhub", "splunk", "flat", "ocsf", "iceberg", "securitylake", "avro", "protobuf"} {
			if strings.Contains(v.Help, word) {
				t.Errorf("%s offers %s: %s", v.Name, word, v.Help)
			}
		}
	}
}

// anyText are variables whose values may hold braces: secrets, a user's name, and files
// that are there.
var anyText = []string{
	"AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD",
}

// A template that nobody filled in would be the name of a place: all tenants' rows would
// go to one folder called "{tenant}".
func TestPlaceholdersAreRefused(t *testing.T) {
	t.Parallel()
	const cert, user, tenant = "AZURE_CLIENT_CERTIFICATE_PATH", "KAFKA_SASL_USERNAME", "AZURE_FEDERATED_TOKEN_FILE"
	more := map[string][]string{
		"LAKE_URL":             {"s3://bucket/{tenant}", "lake/{table}", "file:///lake/{tenant}", "s3://bucket/${ENV}/lake", "s3://bucket/$(ENV)", "s3://{{ .bucket }}/lake", "s3://k:planted@bucket/{x}", "<bucket>", "$LAKE/x", "~/lake", `"s3://bucket/lake"`, `'/lake'`, `"s3://k:planted@bucket/x"`, "s3//bucket/lake", " "},
		"STATE_URL":            {"s3://bucket/{tenant}", "state/{tenant}", "s3://bucket/$(ENV)", "<state>", "$STATE", "~", `"/state"`, "s3//bucket/state", "\t"},
		"SOURCE_ENDPOINT":      {"https://proxy.example/{tenant}", "https://{host}"},
		"AZURE_AUTHORITY_HOST": {"https://login.microsoftonline.com/{tenant}"},
		"AWS_ENDPOINT_URL_S3":  {"https://s3.example/{bucket}", "https://{bucket}.s3.example"},
		"KAFKA_BROKERS":        {"{broker}:9092", "one:9092,$(TWO):9092"},
		"KAFKA_TOPIC":          {"defender.{Table}", "defender.{category}", "{env}.{table}", "defender.{table", "{table}}", "defender.${table}", "$(TOPIC)", "{}"},
	}
	for _, v := range Variables() {
		values := append(more[v.Name], "{value}", "${VALUE}", "$(VALUE)")
		for _, value := range values {
			env := usable("AWS_REGION", "eu-central-1", "S3_SSE", "aws:kms", "KAFKA_BROKERS", "127.0.0.1:9092", "KAFKA_TLS", "true", "KAFKA_SASL_MECHANISM", "scram-sha-512",
				user, "user", "KAFKA_SASL_PASSWORD", "password", v.Name, value)
			if v.Name == cert || v.Name == tenant {
				env["AZURE_CLIENT_SECRET"] = "" // goes before them
			}
			_, problems := judged(t, nil, env)
			if free := slices.Contains(anyText, v.Name); free != (len(problems) == 0) {
				t.Errorf("%s=%q: %v", v.Name, value, problems)
			}
			for _, p := range problems {
				if p.Variable == v.Name && strings.Contains(p.String(), "planted") {
					t.Errorf("%s=%q: %v", v.Name, value, p)
				}
			}
		}
	}
	for name, value := range map[string]string{"KAFKA_TOPIC": "{tenant}.{table}", "LAKE_URL": "s3://bucket/$ENV", "KAFKA_BROKERS": "one:9092"} {
		if _, problems := judged(t, nil, usable("AWS_REGION", "x", "KAFKA_BROKERS", "127.0.0.1:9092", name, value)); len(problems) > 0 {
			t.Errorf("%s=%q: %v", name, value, problems)
		}
	}
}
