package layers

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const (
	module = "hunting-exporter/"
	aws    = "github.com/aws/"
	azure  = "github.com/Azure/"
	kafka  = "github.com/segmentio/kafka-go"
)

// layers are what packages may link. depguard holds direct imports only.
var layers = []struct {
	pkg  string
	none []string // that no package begins with
	most int      // packages of others; 0: any number
}{
	{pkg: "hunting", none: []string{aws, azure, kafka, "net/http"}, most: 150},
	{pkg: "transform", none: []string{aws, azure, kafka, "net/http"}, most: 160},
	{pkg: "source", none: []string{aws, kafka}, most: 320},
	{pkg: "source/kql", none: []string{aws, azure, kafka, "net/http"}, most: 150},
	{pkg: "sink/parquet", none: []string{aws, azure, kafka}},
	{pkg: "sink/event", none: []string{aws, azure, kafka, "net/http"}, most: 150},
	{pkg: "sink/s3", none: []string{aws, azure, kafka}},
	{pkg: "sink/lake", none: []string{aws, azure, kafka}},
	{pkg: "config/query", none: []string{aws, azure, kafka, "net/http"}},
	{pkg: "state", none: []string{aws, azure, kafka}},
	{pkg: "pipeline/commit", none: []string{aws, azure, kafka, module + "source", module + "pipeline/ledger"}, most: 170},
	{pkg: "pipeline", none: []string{aws, azure, kafka}},
}

// graph is what each package imports.
type graph map[string][]string

// linked returns how each package that pkg links is reached: a chain of imports.
func (g graph) linked(pkg string) map[string][]string {
	chains := map[string][]string{pkg: {pkg}}
	for next := []string{pkg}; len(next) > 0; next = next[1:] {
		for _, imported := range g[next[0]] {
			if chains[imported] == nil {
				chains[imported] = append(slices.Clone(chains[next[0]]), imported)
				next = append(next, imported)
			}
		}
	}
	return chains
}

// beyond is what a package links and must not, one chain of imports each.
func (g graph) beyond(pkg string, none []string) (chains []string) {
	for linked, chain := range g.linked(pkg) {
		if slices.ContainsFunc(none, func(prefix string) bool { return strings.HasPrefix(linked, prefix) }) {
			chains = append(chains, strings.Join(chain, " → "))
		}
	}
	slices.Sort(chains)
	return chains
}

func imports(t *testing.T) graph {
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{.ImportPath}}\t{{.Dir}}\t{{range .Imports}}{{.}} {{end}}", "./...")
	cmd.Dir, cmd.Stderr = "../..", os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal("go list:", err)
	}
	g := graph{}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(line, "\t")
		g[f[0]] = strings.Fields(f[2])
		if strings.HasPrefix(f[0], module) { // or a cached result would hide what changed
			if _, err := os.ReadDir(f[1]); err != nil {
				t.Fatal(err)
			}
		}
	}
	return g
}

// others counts the packages of others that pkg links. Our own cost nothing: one that is cut
// in two links no more than before.
func (g graph) others(pkg string) (n int) {
	for linked := range g.linked(pkg) {
		if !strings.HasPrefix(linked, module) {
			n++
		}
	}
	return n
}

// TestLayers: no package links what its layer is to know nothing of, also through others.
func TestLayers(t *testing.T) {
	g := imports(t)
	for _, l := range layers {
		pkg := module + l.pkg
		if g[pkg] == nil {
			t.Errorf("%s: there is no such package", l.pkg)
		}
		if chains := g.beyond(pkg, l.none); chains != nil {
			t.Errorf("%s links %d packages that it must not, the first by %s", l.pkg, len(chains), chains[0])
		}
		if n := g.others(pkg); l.most > 0 && n > l.most {
			t.Errorf("%s links %d packages of others, at most %d are meant", l.pkg, n, l.most)
		}
	}
}

// TestOneImportIsNoticed: a package deep below that imports a vendor's is enough.
func TestOneImportIsNoticed(t *testing.T) {
	g := imports(t)
	for _, l := range layers {
		for _, vendor := range l.none {
			imported := vendor + "x"
			g[module+"schema"] = append(g[module+"schema"], imported)
			if chains := g.beyond(module+l.pkg, []string{vendor}); !slices.ContainsFunc(chains, func(c string) bool { return strings.HasSuffix(c, module+"schema → "+imported) }) {
				t.Errorf("%s: nobody notices that schema imports %s", l.pkg, imported)
			}
			g[module+"schema"] = g[module+"schema"][:len(g[module+"schema"])-1]
		}
	}
}
