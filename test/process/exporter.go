package process

import (
	"os"
	"path/filepath"
	"strings"

	"hunting-exporter/test/cache"
)

// BuildExporter builds the exporter from the working tree into dir and returns
// the binary's path. TestMain calls it once a package.
func BuildExporter(dir string, tags ...string) (string, error) {
	root, err := cache.Root()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "exporter")
	args := []string{"build", "-trimpath", "-o", bin, "-tags", strings.Join(tags, ",")}
	if os.Getenv("TEST_RACE") != "" {
		args = append(args, "-race")
	}
	return bin, cache.Run(filepath.Dir(root), "go", append(args, "./cmd/exporter")...)
}

// Environ is an environment for the exporter: name=value pairs on top of what a
// program needs to run at all, and nothing of the test's own settings.
func Environ(pairs ...string) []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir()}
	if dir := os.Getenv("GOCOVERDIR"); dir != "" {
		env = append(env, "GOCOVERDIR="+dir)
	}
	return append(env, pairs...)
}
