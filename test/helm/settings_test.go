package helm_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"

	"hunting-exporter/test/process"
)

// byChart are the variables that the chart sets itself.
var byChart = []string{"PIPELINE_SPILL", "EXPORT_QUERIES", "AZURE_FEDERATED_TOKEN_FILE"}

// TestSchemaKnowsEverySetting compares the schema with the flags of the binary: a
// new setting cannot be used with the chart before the schema allows it.
func TestSchemaKnowsEverySetting(t *testing.T) {
	_, help := exporter(t)
	settings, files := schemaNames(t)
	secret := map[string]bool{}
	for _, m := range regexp.MustCompile(`\[([A-Z0-9_]+)_FILE\]`).FindAllSubmatch(help, -1) {
		secret[string(m[1])] = true
	}
	found := 0
	for _, m := range regexp.MustCompile(`\[([A-Z0-9_]+)\]`).FindAllSubmatch(help, -1) {
		name := string(m[1])
		found++
		switch {
		case slices.Contains(byChart, name):
		case secret[name]:
			if allowed, listed := settings[name]; listed && string(allowed) != "false" {
				t.Errorf("the secret %s can be put into values", name)
			}
		default:
			if _, ok := settings[name]; !ok && !slices.Contains(files, name) {
				t.Errorf("values.schema.json does not know %s", name)
			}
		}
	}
	if found < 20 {
		t.Errorf("found %d variables in the help, it must have changed:\n%s", found, help)
	}
}

// build makes the binary once.
var build = sync.OnceValues(func() (string, error) { return process.BuildExporter(scratch) })

// exporter returns the path of the binary and the help of run.
func exporter(t *testing.T) (string, []byte) {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	help, err := exec.CommandContext(t.Context(), path, "run", "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	return path, help
}

// byLibraries are settings that are read by what the exporter is made of.
var byLibraries = []string{"SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "OTEL_SDK_DISABLED"}

// TestSchemaOffersOnlyWhatWorks: every setting of the schema is one of the binary, and
// every value that it lists is taken.
func TestSchemaOffersOnlyWhatWorks(t *testing.T) {
	path, help := exporter(t)
	settings, _ := schemaNames(t)
	tried := 0
	for name, raw := range settings {
		if string(raw) == "false" || slices.Contains(byLibraries, name) {
			continue
		}
		if !bytes.Contains(help, []byte("["+name+"]")) {
			t.Errorf("%s can be set, and the exporter has no such variable", name)
		}
		var property struct {
			Enum []string `json:"enum"`
		}
		if err := json.Unmarshal(raw, &property); err != nil {
			t.Fatal(err)
		}
		for _, value := range property.Enum {
			if value == "" { // counts as not set
				continue
			}
			tried++
			cmd := exec.CommandContext(t.Context(), path, "run") // ends with 2: there are no credentials
			cmd.Env = []string{
				"HOME=" + t.TempDir(), "LAKE_URL=" + t.TempDir(), "KAFKA_BROKERS=127.0.0.1:9092", "AWS_REGION=eu-central-1", "EXPORT_TABLES=AlertInfo",
				"KAFKA_SASL_USERNAME=user", "KAFKA_SASL_PASSWORD=password", "KAFKA_SASL_MECHANISM=plain", name + "=" + value,
			}
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 2 || !bytes.Contains(out, []byte("AZURE_CLIENT_SECRET")) || bytes.Contains(out, []byte(name+"=")) {
				t.Errorf("%s=%s: %v\n%s", name, value, err, out)
			}
		}
	}
	if tried < 20 {
		t.Errorf("%d values were tried, the schema must have changed", tried)
	}
}

// schemaNames are the variables that settings and secret.files allow.
func schemaNames(t *testing.T) (settings map[string]json.RawMessage, files []string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(chart, "values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties struct {
			Settings struct {
				Properties map[string]json.RawMessage `json:"properties"`
			} `json:"settings"`
			Secret struct {
				Properties struct {
					Files struct {
						PropertyNames struct {
							Enum []string `json:"enum"`
						} `json:"propertyNames"`
					} `json:"files"`
				} `json:"properties"`
			} `json:"secret"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	return schema.Properties.Settings.Properties, schema.Properties.Secret.Properties.Files.PropertyNames.Enum
}
