package demo_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hunting-exporter/demo"
	"hunting-exporter/tenant"
)

// TestCheckRefuses what the demo must not touch, or cannot do.
func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	others := t.TempDir()
	if err := os.WriteFile(filepath.Join(others, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for says, d := range map[string]demo.Demo{
		"":                        {Dir: filepath.Join(t.TempDir(), "new"), Rows: 1},
		"demo did not write":      {Dir: others, Rows: 1},
		"a folder on this":        {Dir: "s3://bucket/lake", Rows: 1},
		"not a directory":         {Dir: filepath.Join(others, "file"), Rows: 1},
		"a number from 1 to 1000": {Dir: t.TempDir()},
	} {
		d.Out = io.Discard
		if err := d.Check(); (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", d.Dir, err, says)
		}
	}
}

// A tenant that is served, and the settings that lead there.
func ExampleServe() {
	s, err := demo.Serve(context.Background(), tenant.New(tenant.Options{}), "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer s.Close()
	for _, setting := range s.Settings() {
		fmt.Println(setting[0])
	}
	// Output:
	// SOURCE_ENDPOINT
	// AZURE_AUTHORITY_HOST
	// AZURE_TENANT_ID
	// AZURE_CLIENT_ID
	// AZURE_CLIENT_SECRET
}
