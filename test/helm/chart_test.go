// Package helm_test checks the chart: that Helm accepts it, what it renders, that
// Kubernetes' own types know every field, and that wrong values are refused before
// anything is installed.
package helm_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hunting-exporter/test/cache"
)

const chart = "../../deploy/helm"

var (
	update = flag.Bool("update", false, "rewrite the golden files")

	helm    string // the pinned command
	scratch string // a directory that is removed at the end
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(prepared(m))
}

func prepared(m *testing.M) int {
	var err error
	if helm, err = cache.Tool("helm", "helm.sh/helm/v4/cmd/helm"); err == nil {
		scratch, err = os.MkdirTemp("", "chart")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	return m.Run()
}

// run runs helm without the settings of whoever runs the test.
func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	home := t.TempDir()
	cmd := exec.CommandContext(t.Context(), helm, args...)
	cmd.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func render(t *testing.T, args ...string) string {
	t.Helper()
	out, err := run(t, append([]string{"template", "release", chart, "--namespace", "security"}, args...)...)
	if err != nil {
		t.Fatalf("helm template: %v\n%s", err, out)
	}
	return out
}

// variants are the ways of installing that the golden files hold.
var variants = map[string][]string{
	"default": nil,
	"full":    {"--values", "testdata/full.yaml"},
}

func TestLint(t *testing.T) {
	for name, args := range variants {
		t.Run(name, func(t *testing.T) {
			if out, err := run(t, append([]string{"lint", "--strict", chart}, args...)...); err != nil {
				t.Errorf("helm lint: %v\n%s", err, out)
			}
		})
	}
}

func TestGolden(t *testing.T) {
	for name, args := range variants {
		t.Run(name, func(t *testing.T) {
			got := render(t, args...)
			path := filepath.Join("testdata", name+".golden.yaml")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("rendered otherwise (-want +got); look at it, then run with -update:\n%s", diff)
			}
		})
	}
}

func TestNotes(t *testing.T) {
	for name, c := range map[string]struct{ args, want []string }{
		"default": {nil, []string{"nothing is exported", "no destination", "kubectl -n security create job --from=cronjob/release-hunting-exporter"}},
		"full":    {variants["full"], []string{"DeviceProcessEvents,AlertInfo", "failed-logons.kql", "s3://lake/defender", "/state", "Europe/Zurich"}},
		"no end":  {[]string{"--set", "activeDeadlineSeconds=null"}, []string{"a pod that cannot start holds the schedule"}},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := run(t, append([]string{"install", "release", chart, "--namespace", "security", "--dry-run=client"}, c.args...)...)
			if err != nil {
				t.Fatalf("helm install: %v\n%s", err, out)
			}
			_, notes, _ := strings.Cut(out, "NOTES:")
			for _, want := range c.want {
				if !strings.Contains(notes, want) {
					t.Errorf("notes lack %q:\n%s", want, notes)
				}
			}
		})
	}
}

func TestWrongValuesAreRefused(t *testing.T) {
	for set, reason := range map[string]string{
		"settings.SOURCE_API=graf":                 "/settings/SOURCE_API",
		"settings.KAFKA_FORMAT=xml":                "/settings/KAFKA_FORMAT",
		"settings.EXPORT_TABEL=AlertInfo":          "'EXPORT_TABEL' not allowed",
		"settings.EXPORT_TABLES=Alert Info;drop":   "/settings/EXPORT_TABLES",
		"settings.EXPORT_LAG=5":                    "/settings/EXPORT_LAG",
		"settings.LAKE_URL=s3://key:secret@bucket": "/settings/LAKE_URL",
		"settings.AZURE_CLIENT_SECRET=x":           "'AZURE_CLIENT_SECRET' not allowed",
		"settings.KAFKA_SASL_PASSWORD=x":           "'KAFKA_SASL_PASSWORD' not allowed",
		"settings.AWS_SECRET_ACCESS_KEY=x":         "/settings/AWS_SECRET_ACCESS_KEY",
		"settings.OTEL_TRACES_EXPORTER=otlp":       "'OTEL_TRACES_EXPORTER' not allowed",
		"settings.METRICS_PUSH_URL=http://push":    "'METRICS_PUSH_URL' not allowed",
		"settings.LAKE_LAYOUT=iceberg":             "'LAKE_LAYOUT' not allowed",
		"settings.KAFKA_FORMAT=splunk":             "/settings/KAFKA_FORMAT",
		"settings.KAFKA_TOPIC=defender.{category}": "/settings/KAFKA_TOPIC",
		"settings.LAKE_URL=s3://bucket/{tenant}":   "/settings/LAKE_URL",
		"settings.PIPELINE_SPILL=/tmp":             "'PIPELINE_SPILL' not allowed",
		"settings.EXPORT_DEADLINE=3h":              "must be greater than EXPORT_DEADLINE",
		"activeDeadlineSeconds=600":                "(600 s): the run would be killed before it commits; set 900 or more",
		"settings.EXPORT_DEADLINE=0":               "EXPORT_DEADLINE is 0",
		"settings.EXPORT_DEADLINE=null":            "EXPORT_DEADLINE is 0",
		"secret.files.KAFKA_TLS_CA_FILE=ca.pem":    "needs secret.name",
		"secret.files.LAKE_URL=x":                  "invalid propertyName 'LAKE_URL'",
		"queries.bad=T":                            "invalid propertyName 'bad'",
		"schedule=often":                           "/schedule",
		"image.digest=latest":                      "/image/digest",
		"podSecurityContext.runAsUser=0":           "/podSecurityContext/runAsUser",
		"concurrencyPolicy=Allow":                  "'concurrencyPolicy' not allowed",
		"password=x":                               "'password' not allowed",
	} {
		t.Run(set, func(t *testing.T) {
			out, err := run(t, "template", "release", chart, "--set", set)
			if err == nil || !strings.Contains(out, reason) {
				t.Errorf("got %v, want a refusal that says %q\n%s", err, reason, out)
			}
		})
	}
}
