package setting_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hunting-exporter/internal/setting"
)

func TestReadSecret(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "secret")
	for text, want := range map[string]string{
		"s": "s", "s\n": "s", "s\r\n": "s", "s\n\n": "s", " s ": "s", "\ufeffs\r\n": "s", "\ufeff s\u00a0\n": "s", "\t a b \n": "a b", "ü\n": "ü",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := setting.ReadSecret(file); err != nil || got.Reveal() != want {
			t.Errorf("%q is read as %q, %v", text, got.Reveal(), err)
		}
	}
	for text, says := range map[string]string{"": "is empty", " \r\n": "is empty", "\ufeff\n": "is empty", strings.Repeat("x", 1<<20+1): "1 MiB"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := setting.ReadSecret(file); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.9q: %v", text, err)
		}
	}
	for path, says := range map[string]string{dir: "directory", filepath.Join(dir, "none"): "cannot be read", os.DevNull: "is not a file"} {
		if _, err := setting.ReadSecret(path); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
