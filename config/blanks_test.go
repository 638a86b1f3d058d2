package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWhatSurroundsAValueIsNoneOfIt: what editors, shells and copying leave around a value
// never reaches a login, wherever the value comes from.
func TestWhatSurroundsAValueIsNoneOfIt(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	for _, around := range [][2]string{{"", "\n"}, {"", "\r\n"}, {" ", " "}, {"\ufeff", "\r\n"}, {"\t", "\u00a0\n"}} {
		wrap := func(s string) string { return around[0] + s + around[1] }
		if err := os.WriteFile(file, []byte(wrap("from file")), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, v := range Variables() {
			val := NewValues(nil, []string{v.Name + "=" + wrap("a b")})
			if got, ok := val.Lookup(v.Name); !ok || got != "a b" {
				t.Errorf("%s of the environment: %q", v.Name, got)
			}
			val = NewValues(map[string]string{v.Name: wrap("a b")}, nil)
			if got, ok := val.Lookup(v.Name); !ok || got != "a b" {
				t.Errorf("%s of a flag: %q", v.Name, got)
			}
			val = NewValues(nil, []string{v.Name + "=" + around[0] + around[1]})
			if got, ok := val.Lookup(v.Name); ok && (v.Secret || strings.HasPrefix(v.Name, "AZURE_")) {
				t.Errorf("%s of blanks alone: %q", v.Name, got)
			}
			if !v.Secret {
				continue
			}
			val = NewValues(nil, []string{v.Name + "_FILE=" + wrap(file)})
			if problems := val.readFiles(Variables()); len(problems) > 0 {
				t.Error(problems)
			}
			if got, _ := val.Lookup(v.Name); got != "from file" {
				t.Errorf("%s from its file: %q", v.Name, got)
			}
		}
		cfg, problems := judged(t, nil, usable("AZURE_TENANT_ID", wrap("contoso.test"), "AZURE_CLIENT_ID", wrap("app"), "SOURCE_CONCURRENCY", wrap("3")))
		if len(problems) > 0 || cfg.Source.TenantID != "contoso.test" || cfg.Source.ClientID != "app" || cfg.Source.Concurrency != 3 {
			t.Errorf("%q: %v, %+v", around, problems, cfg.Source)
		}
	}
}
