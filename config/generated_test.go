package config

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hunting-exporter/internal/setting"
)

var update = flag.Bool("update", false, "rewrite what is generated from the settings' tags")

// generated are the parts of files that come from the tags, each between two texts.
var generated = []struct {
	file, begin, end string
	text             func() string
}{
	{"../README.md", "| Variable | Default | Meaning |\n|---|---|---|\n", "\n\n", readmeRows},
	{"../deploy/helm/values.yaml", "\nsettings:\n", "\n\n", chartPresets},
	{"../deploy/helm/values.schema.json", "\"settings\": {\n      \"type\": \"object\",\n      \"additionalProperties\": false,\n      \"properties\": {\n", "\n      },\n", chartSettings},
	{"../deploy/helm/values.schema.json", "\"propertyNames\": {\n            \"enum\": [\n", "\n            ]", chartFiles},
}

// TestGeneratedTextsAreCurrent: the README's table and the chart's schema and presets say what
// the settings' tags say. With -update they are written, which `make generate` does.
func TestGeneratedTextsAreCurrent(t *testing.T) {
	for _, g := range generated {
		data, err := os.ReadFile(g.file)
		if err != nil {
			t.Fatal(err)
		}
		before, rest, found := strings.Cut(string(data), g.begin)
		have, after, ended := strings.Cut(rest, g.end)
		if !found || !ended {
			t.Fatalf("%s: no place for what is generated after %q", g.file, g.begin)
		}
		want := g.text()
		if *update {
			if err := os.WriteFile(g.file, []byte(before+g.begin+want+g.end+after), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s differs from the settings' tags (-want +have); make generate writes it:\n%s", g.file, diff)
		}
	}
}

// byLibraries are settings that are read by what the exporter is made of, not by itself: the
// variables, what the README says, and how the chart takes each.
var byLibraries = []struct {
	names   []string
	meaning string
	chart   string
}{
	{[]string{"AWS_*"}, "all others of AWS as every AWS SDK reads them", ""},
	{[]string{"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"}, "as every Go program reads them; Kafka goes without a proxy", `{"type": "string"}`},
	{[]string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}, "", "false"},
	{[]string{"OTEL_SDK_DISABLED"}, "", `{"$ref": "#/definitions/boolean"}`},
}

var quotedCode = regexp.MustCompile(`(^|[^\pL])'([^']+)'`)

// readmeRows are the rows of the README's table.
func readmeRows() string {
	var rows []string
	row := func(names []string, fallback, meaning string) {
		rows = append(rows, fmt.Sprintf("| `%s` |%s | %s |", strings.Join(names, "`, `"), fallback, quotedCode.ReplaceAllString(meaning, "$1`$2`")))
	}
	for _, v := range Variables() {
		fallback := v.Default
		if v.Type.Kind() == reflect.Bool {
			fallback = "false"
		}
		if fallback != "" {
			fallback = " `" + fallback + "`"
		}
		row([]string{v.Name}, fallback, v.Explained())
	}
	for _, l := range byLibraries {
		if l.meaning != "" {
			row(l.names, "", l.meaning)
		}
	}
	return strings.Join(rows, "\n")
}

// chartPresets are the settings that the chart has another default for.
func chartPresets() string {
	var lines []string
	for _, v := range Variables() {
		if v.Preset != "" {
			lines = append(lines, "  "+v.Name+": "+v.Preset)
		}
	}
	return strings.Join(lines, "\n")
}

// chartSettings are the properties of settings in the chart's schema. Secrets are none.
func chartSettings() string {
	var lines []string
	add := func(name, schema string) { lines = append(lines, fmt.Sprintf("        %q: %s", name, schema)) }
	for _, v := range Variables() {
		if !v.Secret && v.Chart != "no" {
			add(v.Name, chartType(v))
		}
	}
	for _, l := range byLibraries {
		for _, name := range l.names {
			if l.chart != "" {
				add(name, l.chart)
			}
		}
	}
	return strings.Join(lines, ",\n")
}

// chartType is what the chart's schema demands of a setting.
func chartType(v Variable) string {
	definition := ""
	switch {
	case strings.HasPrefix(v.Chart, "^"):
		return fmt.Sprintf(`{"type": "string", "pattern": %q}`, v.Chart)
	case v.Chart != "" && v.Chart != "file":
		definition = v.Chart
	case len(v.Values) > 0:
		values := v.Values
		if v.Default == "" { // empty: not set
			values = slices.Concat([]string{""}, values)
		}
		return `{"type": "string", "enum": ["` + strings.Join(values, `", "`) + `"]}`
	case v.Type == reflect.TypeFor[time.Duration]():
		definition = "duration"
	case v.Type == reflect.TypeFor[setting.Bytes]():
		definition = "bytes"
	case v.Type.Kind() == reflect.Bool:
		definition = "boolean"
	case v.Type.Kind() >= reflect.Int && v.Type.Kind() <= reflect.Uint64:
		definition = "count"
	default:
		return `{"type": "string"}`
	}
	return `{"$ref": "#/definitions/` + definition + `"}`
}

// chartFiles are the variables that may name a file of the Secret.
func chartFiles() string {
	var names []string
	for _, v := range Variables() {
		switch {
		case v.Secret:
			names = append(names, v.Name+FileSuffix)
		case v.Chart == "file":
			names = append(names, v.Name)
		}
	}
	names = append(names, "SSL_CERT_FILE", "AWS_CA_BUNDLE", "AWS_SHARED_CREDENTIALS_FILE")
	return `              "` + strings.Join(names, "\",\n              \"") + `"`
}

// TestAmountsOfTheChart: what the chart takes for an amount of bytes, as Kubernetes writes it
// too, is one for the exporter.
func TestAmountsOfTheChart(t *testing.T) {
	data, err := os.ReadFile("../deploy/helm/values.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Definitions struct{ Bytes struct{ Pattern string } }
	}
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	pattern, tried := regexp.MustCompile(schema.Definitions.Bytes.Pattern), 0
	for _, power := range []string{"", "K", "M", "G", "T", "P", "k", "m"} {
		for _, unit := range []string{"", "B", "i", "iB"} {
			amount := "256" + power + unit
			if !pattern.MatchString(amount) {
				continue
			}
			tried++
			if err := new(setting.Bytes).UnmarshalText([]byte(amount)); err != nil {
				t.Error(err)
			}
		}
	}
	if tried != 18 {
		t.Errorf("%d amounts were tried, want a number, bytes and four powers of four units", tried)
	}
}
