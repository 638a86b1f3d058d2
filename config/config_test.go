package config

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hunting-exporter/internal/setting"
	"hunting-exporter/schema"
)

// usable is an environment that `run` accepts.
func usable(more ...string) map[string]string {
	env := map[string]string{
		"AZURE_TENANT_ID": "5f3c2e1a-7b64-4d0e-9c58-2a1b3c4d5e6f", "AZURE_CLIENT_ID": "client", "AZURE_CLIENT_SECRET": "secret",
		"EXPORT_TABLES": "DeviceProcessEvents,AlertInfo", "LAKE_URL": "lake",
	}
	for i := 0; i < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	return env
}

func environ(env map[string]string) []string {
	var pairs []string
	for name, value := range env {
		pairs = append(pairs, name+"="+value)
	}
	return pairs
}

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// judged loads the configuration as run does and returns the problems.
func judged(t *testing.T, flags map[string]string, env map[string]string) (Config, []setting.Problem) {
	t.Helper()
	cfg, err := Load(t.Context(), NewValues(flags, environ(env)), func(cfg Config) []setting.Problem { return cfg.Problems(noon) })
	if err == nil {
		return cfg, nil
	}
	var bad *setting.Error
	if !errors.As(err, &bad) {
		t.Fatalf("configure: %v", err)
	}
	return cfg, bad.Problems
}

// badValues has at least one value that each variable must refuse, beside those that its
// declaration excludes. nil: there is none, since any text may be right.
var badValues = map[string][]string{
	"SOURCE_ENDPOINT":    {"http://example.com", "nope", "https://u:p@host"},
	"SOURCE_CONCURRENCY": {"1.5"}, "SOURCE_MAX_BODY_BYTES": {"1000", "5GiB", "1048576i"}, "SOURCE_TIMEOUT": {"4"},
	"AZURE_TENANT_ID": {"not a tenant"}, "AZURE_CLIENT_ID": nil, "AZURE_CLIENT_SECRET": nil,
	"AZURE_CLIENT_CERTIFICATE_PATH": {"/nowhere"}, "AZURE_CLIENT_CERTIFICATE_PASSWORD": nil,
	"AZURE_FEDERATED_TOKEN_FILE": {"/nowhere"}, "AZURE_AUTHORITY_HOST": {"http://login.example"},
	"TRANSFORM_MAX_DEPTH": {"0x"}, "TRANSFORM_MAX_CELL_BYTES": {"-1", "1k"},
	"AWS_REGION": nil, "AWS_ENDPOINT_URL_S3": {"nope", "https://k:s@host"}, "S3_KMS_KEY_ID": {"key-without-kms"},
	"PARQUET_BLOOM": {"no column"}, "PIPELINE_SPILL": {"/nowhere"}, "PIPELINE_MEMORY": {"1KiB"},
	"KAFKA_BROKERS": {"http://k:9092", "k"}, "KAFKA_TOPIC": {"a topic"}, "KAFKA_FORMAT": {"splunk"},
	"KAFKA_TLS_CA_FILE": {"/nowhere"}, "KAFKA_TLS_CERT_FILE": {"/nowhere"}, "KAFKA_TLS_KEY_FILE": {"/nowhere"},
	"KAFKA_SASL_USERNAME": {"user-without-mechanism"}, "KAFKA_SASL_PASSWORD": {"planted"},
	"EXPORT_TABLES": {"Device Events", "1Table", "A,A", "A,a", "x;drop", "devicenetworkevents", "AlertINFO"}, "EXPORT_QUERIES": {"/nowhere"},
	"EXPORT_START":     {"31d", "800h", "-1h", "yesterday", "2026-11-25T00:00:00Z", "2026-01-01T00:00:00Z"},
	"EXPORT_RECONCILE": {"10m", "day"}, "EXPORT_SNAPSHOT_INTERVAL": {"0"}, "EXPORT_LAG": {"5"}, "EXPORT_COMMIT_INTERVAL": {"6m"}, "EXPORT_DEADLINE": {"1"},
	"LAKE_URL": {"gs://bucket/x", "s3://k:s@bucket", "s3://"}, "STATE_URL": {"ftp://x"}, "STATE_LEASE": {"1"},
}

func TestEachVariableRefusesBadValues(t *testing.T) {
	t.Parallel()
	for _, v := range Variables() {
		_, bad := v.Others()
		values, listed := badValues[v.Name]
		values = append(bad, values...)
		if !listed && len(values) == 0 {
			t.Errorf("%s: no bad value is tested", v.Name)
		}
		for _, value := range values {
			env := usable("KAFKA_BROKERS", "127.0.0.1:9092", v.Name, value)
			if strings.HasPrefix(v.Name, "AZURE_CLIENT_C") || strings.HasPrefix(v.Name, "AZURE_FED") {
				env["AZURE_CLIENT_SECRET"] = "" // the secret goes before them
			}
			_, problems := judged(t, nil, env)
			named := func(p setting.Problem) bool {
				return p.Variable == v.Name || strings.HasPrefix(v.Name, "KAFKA_SASL") && strings.HasPrefix(p.Variable, "KAFKA_SASL")
			}
			if !slices.ContainsFunc(problems, named) {
				t.Errorf("%s=%q was accepted: %v", v.Name, value, problems)
			}
			for _, p := range problems {
				if p.Reason == "" || p.Fix == "" {
					t.Errorf("%s=%q: problem without reason or fix: %v", v.Name, value, p)
				}
			}
		}
	}
}

func TestUsableConfiguration(t *testing.T) {
	t.Parallel()
	if cfg, problems := judged(t, nil, usable()); len(problems) > 0 || cfg.StateURL() != "lake/_meta" {
		t.Errorf("state %q, problems %v", cfg.StateURL(), problems)
	}
	kafkaOnly := usable("LAKE_URL", "", "KAFKA_BROKERS", "127.0.0.1:9092", "STATE_URL", "s3://bucket/state", "AWS_REGION", "eu-central-1")
	if _, problems := judged(t, nil, kafkaOnly); len(problems) > 0 {
		t.Errorf("Kafka only: %v", problems)
	}
	slow := usable("KAFKA_BROKERS", "127.0.0.1:9092", "KAFKA_DELIVERY", "at-least-once", "EXPORT_COMMIT_INTERVAL", "1h")
	if _, problems := judged(t, nil, slow); len(problems) > 0 {
		t.Errorf("at-least-once with slow commits: %v", problems)
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	_, problems := judged(t, nil, map[string]string{
		"AZURE_TENANT_ID": "5f3c2e1a-7b64-4d0e-9c58-2a1b3c4d5e6f", "AZURE_CLIENT_ID": "client", "AZURE_CLIENT_SECRET_FILE": "/nowhere",
		"SOURCE_API": "grap", "SOURCE_CONCURRENCY": "four", "SOURCE_TIMEOUT": "4",
		"EXPORT_TABLES": "AlertInfo,Device Events,alertinfo", "KAFKA_TLS": "perhaps",
		"KAFKA_BROKERS": "127.0.0.1:9092", "EXPORT_COMMIT_INTERVAL": "10m",
	})
	want := `configuration: 9 problem(s)
  AZURE_CLIENT_SECRET_FILE="/nowhere": cannot be read: no such file or directory; name a readable file that holds the secret alone
  SOURCE_CONCURRENCY="four": is not a whole number; set digits only
  SOURCE_TIMEOUT="4": is not a duration; set a number with a unit, such as 90s, 5m or 24h
  KAFKA_TLS="perhaps": is neither true nor false; set true or false
  SOURCE_API="grap": no such API; set graph, m365d or mde
  STATE_URL="": there is no lake to keep state in; set s3://bucket/prefix or a directory on a volume
  EXPORT_COMMIT_INTERVAL="10m0s": is more than a third of the broker's transaction timeout of 15m; set 5m at most, or KAFKA_DELIVERY=at-least-once
  EXPORT_TABLES="Device Events": is no table name; use letters, digits and _, separated by commas
  EXPORT_TABLES="alertinfo": differs from AlertInfo in case only, and files would collide; rename or remove one`
	if diff := cmp.Diff(want, (&setting.Error{Problems: problems}).Error()); diff != "" {
		t.Error(diff)
	}
}

func TestNothingToDo(t *testing.T) {
	t.Parallel()
	for variable, env := range map[string]map[string]string{
		"LAKE_URL":      usable("LAKE_URL", ""),
		"EXPORT_TABLES": usable("EXPORT_TABLES", " , "),
		"STATE_URL":     usable("LAKE_URL", "", "KAFKA_BROKERS", "127.0.0.1:9092"),
	} {
		if _, problems := judged(t, nil, env); len(problems) != 1 || problems[0].Variable != variable {
			t.Errorf("want one problem with %s, got %v", variable, problems)
		}
	}
}

func TestSecretsFromFilesAndFlagsFirst(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(" from file \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, v := range Variables() {
		if !v.Secret {
			continue
		}
		val := NewValues(nil, []string{v.Name + "_FILE=" + file})
		if problems := val.readFiles(Variables()); len(problems) > 0 {
			t.Fatal(problems)
		}
		if got, _ := val.Lookup(v.Name); got != "from file" {
			t.Errorf("%s from its file: %q", v.Name, got)
		}
		val = NewValues(map[string]string{v.Name + "_FILE": file}, []string{v.Name + "=from environment"})
		val.readFiles(Variables())
		if got, _ := val.Lookup(v.Name); got != "from file" {
			t.Errorf("%s from the file of a flag, and environment: %q", v.Name, got)
		}
		val = NewValues(map[string]string{v.Name: "from flag"}, []string{v.Name + "_FILE=/nowhere"})
		if problems := val.readFiles(Variables()); len(problems) > 0 {
			t.Errorf("%s as a flag, and as a file of the environment: %v", v.Name, problems)
		}
		both := []string{v.Name + "=planted", v.Name + "_FILE=" + file}
		problems := NewValues(nil, both).readFiles(Variables())
		if len(problems) != 1 || problems[0].Variable != v.Name || strings.Contains(problems[0].String(), "planted") {
			t.Errorf("%s directly and as a file: %v", v.Name, problems)
		}
	}
	env := usable("SOURCE_CONCURRENCY", "2", "EXPORT_TABLES", "")
	cfg, problems := judged(t, map[string]string{"SOURCE_CONCURRENCY": "3", "EXPORT_TABLES": "AlertInfo"}, env)
	if len(problems) > 0 || cfg.Source.Concurrency != 3 || len(cfg.Export.Tables) != 1 {
		t.Errorf("flags over environment: %d, %v, %v", cfg.Source.Concurrency, cfg.Export.Tables, problems)
	}
}

// Unknown tables are exported, since Microsoft adds some; one that is known by another
// spelling is not unknown.
func TestTableInAnotherSpelling(t *testing.T) {
	t.Parallel()
	for _, table := range schema.Tables() {
		for _, name := range []string{strings.ToLower(table.Name), strings.ToUpper(table.Name)} {
			_, problems := judged(t, nil, usable("EXPORT_TABLES", "AlertInfo2,"+name))
			if len(problems) != 1 || problems[0].Value != name || problems[0].Fix != "write "+table.Name {
				t.Errorf("%s for %s: %v", name, table.Name, problems)
			}
		}
		if _, problems := judged(t, nil, usable("EXPORT_TABLES", table.Name+","+table.Name+"2")); len(problems) > 0 {
			t.Errorf("%s: %v", table.Name, problems)
		}
	}
}

func TestEmptyIsUnset(t *testing.T) {
	t.Parallel()
	cfg, problems := judged(t, nil, usable("SOURCE_CONCURRENCY", "", "STATE_LEASE", ""))
	if len(problems) > 0 || cfg.Source.Concurrency != 4 || cfg.State.Lease != time.Minute {
		t.Errorf("%d, %s, %v", cfg.Source.Concurrency, cfg.State.Lease, problems)
	}
}

func TestUnknownVariablesAreNamed(t *testing.T) {
	t.Parallel()
	got := unknown(NewValues(nil, []string{
		"SOURCE_CONCURENCY=3", "EXPORT_TABELS=A", "KAFKA_SASL_PASSWORD_FILE=/x", "STATE_COLOUR=red", "PATH=/bin", "LAKE_URL=x",
		"KAFKA_SERVICE_HOST=10.0.0.1", "KAFKA_PORT=tcp://10.0.0.1:9092", "KAFKA_PORT_9092_TCP_ADDR=10.0.0.1",
	}))
	want := []string{
		"EXPORT_TABELS is not a variable of this version and is ignored; did you mean EXPORT_TABLES?",
		"SOURCE_CONCURENCY is not a variable of this version and is ignored; did you mean SOURCE_CONCURRENCY?",
		"STATE_COLOUR is not a variable of this version and is ignored",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Each variable with two letters exchanged, with one too many, with one missing or in small
// letters is told apart, whatever it begins with; what others read is left alone.
func TestEachMistypedVariableIsNamed(t *testing.T) {
	t.Parallel()
	names := slices.Clone(byAWS)
	for _, v := range Variables() {
		names = append(names, v.Name)
	}
	for _, name := range names {
		last := len(name) - 1
		for _, typed := range []string{
			name[:last-1] + name[last:] + name[last-1:last], name + "S", name[:last], strings.ToLower(name),
			name[1:2] + name[:1] + name[2:], // in the prefix
		} {
			otherPrefix := !strings.HasPrefix(typed, name[:2]) && len(name) < 10 // may be anything
			if slices.Contains(names, typed) || otherPrefix && typed != strings.ToLower(name) || service.MatchString(typed) {
				continue
			}
			if got := unknown(NewValues(nil, []string{typed + "=x"})); len(got) != 1 || !strings.Contains(got[0], "did you mean ") {
				t.Errorf("%s for %s: %q", typed, name, got)
			}
		}
	}
	for _, name := range []string{
		"AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL_STS", "AWS_MAX_ATTEMPTS", "AWS_ACCESS_KEY", "AWS_STS_REGIONAL_ENDPOINTS", "AZURE_USERNAME",
		"AZURE_CONFIG_DIR", "BASE_URL", "LANG", "GOMEMLIMIT", "SSL_CERT_FILE", "HTTPS_PROXY", "NO_COLOR", "KUBERNETES_PORT_443_TCP_ADDR",
	} {
		if got := unknown(NewValues(nil, []string{name + "=x"})); len(got) > 0 {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestEveryVariableIsExplained(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, v := range Variables() {
		if v.Help == "" || names[v.Name] {
			t.Errorf("%s has no help, or is declared twice", v.Name)
		}
		names[v.Name] = true
	}
}

// What is named by the tenant's id needs the id: a domain is one of several names.
func TestTenantByDomainNamesNothing(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{{"LAKE_TENANT", "true"}, {"KAFKA_TOPIC", "{tenant}.{table}"}} {
		env := usable("KAFKA_BROKERS", "127.0.0.1:9092", c[0], c[1])
		if _, problems := judged(t, nil, usable("KAFKA_BROKERS", "127.0.0.1:9092", c[0], c[1], "AZURE_TENANT_ID", "contoso.example")); len(problems) != 1 || problems[0].Variable != c[0] {
			t.Errorf("%s with a domain: %v", c[0], problems)
		}
		if _, problems := judged(t, nil, env); len(problems) > 0 {
			t.Errorf("%s with an id: %v", c[0], problems)
		}
	}
}

// TestSecretFilesAreKnown to who logs in, so that they can be read again.
func TestSecretFilesAreKnown(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("s"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, variable := range []string{"AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD"} {
		for _, flags := range []map[string]string{nil, {variable + "_FILE": file}} {
			env := usable("AZURE_CLIENT_SECRET", "")
			if env[variable+"_FILE"] = file; flags != nil {
				env[variable+"_FILE"] = "/of/the/environment"
			}
			v := NewValues(flags, environ(env))
			cfg, problems, err := parse(t.Context(), v)
			if err != nil || len(problems) > 0 {
				t.Fatal(problems, err)
			}
			got := map[string]string{"AZURE_CLIENT_SECRET": cfg.Source.ClientSecretFile, "AZURE_CLIENT_CERTIFICATE_PASSWORD": cfg.Source.CertificatePasswordFile}
			for name, path := range got {
				if want := map[bool]string{true: file}[name == variable]; path != want {
					t.Errorf("%s of %s: %q", name, variable, path)
				}
			}
		}
	}
}
