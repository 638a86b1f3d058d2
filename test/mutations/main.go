// Command mutations removes the commit protocol's safeguards one at a time, in an
// overlay that leaves the checkout alone, and shows which test notices. It fails if
// a mutation survives.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// mutation is one safeguard taken away.
type mutation struct {
	safeguard string
	file      string
	old, new  string // old occurs exactly once in file
	pkg       string // whose tests must notice
}

func main() {
	root := flag.String("root", "..", "the checkout")
	only := flag.String("only", "", "run mutations whose safeguard or package contains this")
	flag.Parse()
	survived := 0
	fmt.Println("| Safeguard removed | Where | Caught by |\n|---|---|---|")
	for _, m := range mutations {
		if !strings.Contains(m.safeguard, *only) && !strings.Contains(m.pkg, *only) {
			continue
		}
		caught, err := try(context.Background(), *root, m)
		if err != nil {
			fmt.Fprintln(os.Stderr, m.safeguard+":", err)
			os.Exit(2)
		}
		if caught == "" {
			survived++
			caught = "**nothing**"
		}
		fmt.Printf("| %s | `%s` | %s |\n", m.safeguard, m.file, caught)
	}
	if survived > 0 {
		fmt.Fprintf(os.Stderr, "%d mutations survived\n", survived)
		os.Exit(1)
	}
}

var failed = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// try runs the package's tests with the mutation in place and names a test that failed.
func try(ctx context.Context, root string, m mutation) (string, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, m.file)
	src, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(src), m.old); n != 1 {
		return "", fmt.Errorf("the text to change occurs %d times in %s", n, m.file)
	}
	dir, err := os.MkdirTemp("", "mutation")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	mutant := filepath.Join(dir, "mutant.go")
	if err := os.WriteFile(mutant, []byte(strings.Replace(string(src), m.old, m.new, 1)), 0o600); err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{path: mutant}})
	if err != nil {
		return "", err
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "test", "-vet=off", "-timeout=5m", "-overlay", list, m.pkg)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err == nil {
		return "", nil
	}
	names := failed.FindAllStringSubmatch(string(out), -1)
	if len(names) == 0 {
		return "", fmt.Errorf("no test failed, yet go test did:\n%s", out)
	}
	return "`" + names[len(names)-1][1] + "`", nil
}
