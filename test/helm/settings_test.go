package helm_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"hunting-exporter/test/process"
)

// byChart are the variables that the chart sets itself.
var byChart = []string{"PIPELINE_SPILL", "EXPORT_QUERIES", "AZURE_FEDERATED_TOKEN_FILE"}

// TestSchemaKnowsEverySetting compares the schema with the flags of the binary: a
// new setting cannot be used with the chart before the schema allows it.
func TestSchemaKnowsEverySetting(t *testing.T) {
	exporter, err := process.BuildExporter(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	help, err := exec.CommandContext(t.Context(), exporter, "run", "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
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
