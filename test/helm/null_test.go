package helm_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// needed are values that cannot be left out.
var needed = []string{
	"image", "image.repository", "schedule", "settings", "settings.EXPORT_DEADLINE", "secret", "secret.env", "serviceAccount", "serviceAccount.create",
	"azureWorkloadIdentity", "federatedToken", "federatedToken.audience",
}

// TestNullLeavesAFieldOutOrIsRefused sets each of the chart's values to null, sections
// included. Nothing stands in a field's place: 0 would start no job, kill at once or run as
// root. What is needed is refused by its name.
func TestNullLeavesAFieldOutOrIsRefused(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(chart, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	tree := map[string]any{}
	if err := yaml.Unmarshal(data, &tree); err != nil {
		t.Fatal(err)
	}
	tree["federatedToken"].(map[string]any)["enabled"] = true
	whole := lines(render(t, "--values", written(t, tree)))
	forEachValue(tree, "", func(name string, values map[string]any, key string) {
		t.Run(name, func(t *testing.T) {
			value := values[key]
			values[key] = nil
			defer func() { values[key] = value }()
			out, err := run(t, "template", "release", chart, "--namespace", "security", "--values", written(t, tree))
			if slices.Contains(needed, name) {
				if err == nil || !strings.Contains(out, "missing property '"+key+"'") && !strings.Contains(out, key+" is 0") {
					t.Errorf("%v, want a refusal that names %s\n%s", err, key, out)
				}
				return
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			objects(t, out)
			for line := range lines(out) {
				if !whole[line] && line != "{}" {
					t.Errorf("rendered in its place: %s", line)
				}
			}
		})
	})
}

// forEachValue visits each value by its path, sections before what they hold.
func forEachValue(tree map[string]any, path string, visit func(name string, values map[string]any, key string)) {
	for _, key := range slices.Sorted(maps.Keys(tree)) {
		section, _ := tree[key].(map[string]any)
		visit(path+key, tree, key)
		forEachValue(section, path+key+".", visit)
	}
}

func lines(manifest string) map[string]bool {
	all := map[string]bool{}
	for line := range strings.Lines(manifest) {
		all[strings.TrimSpace(line)] = true
	}
	return all
}

// written is a file of values.
func written(t *testing.T, values map[string]any) string {
	t.Helper()
	data, err := yaml.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
