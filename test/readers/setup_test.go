// Package readers_test shows that the files of the exporter are the same to every engine
// that users read them with: every cell, filters that skip row groups and pages, look-ups
// through bloom filters, and the union of files of different schemas.
//
// The files are written by the real binary from a simulated tenant, whose rows are the
// truth. A reader is a process that answers a line for a line; see reader_test.go. What a
// reader cannot do is listed in exceptions_test.go.
package readers_test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hunting-exporter/tenant"
	"hunting-exporter/test/process"
)

var (
	exporter string // the binary
	scratch  string // a folder that goes with the tests
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if scratch, err = os.MkdirTemp("", "readers"); err != nil {
		log.Print(err)
		return 1
	}
	defer os.RemoveAll(scratch)
	if exporter, err = process.BuildExporter(scratch); err != nil {
		log.Print(err)
		return 1
	}
	defer endReaders()
	return m.Run()
}

// The rows of a test lie in one day that is over, so that a table is one file.
var (
	noon  = time.Now().UTC().Truncate(24 * time.Hour).Add(-12 * time.Hour)
	dawn  = noon.Add(-6 * time.Hour)
	since = "EXPORT_START=96h"
)

// export runs the exporter once against a tenant and checks the number of rows.
func export(ten *tenant.Tenant, lake string, rows int, pairs ...string) error {
	srv := httptest.NewTLSServer(ten)
	defer srv.Close()
	dir, err := os.MkdirTemp(scratch, "export")
	if err != nil {
		return err
	}
	ca := filepath.Join(dir, "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		return err
	}
	cmd := exec.Command(exporter, "run")
	cmd.Env = process.Environ(append([]string{
		"AZURE_TENANT_ID=" + tenant.DefaultTenantID, "AZURE_CLIENT_ID=" + tenant.DefaultClientID,
		"AZURE_CLIENT_SECRET=" + tenant.DefaultClientSecret, "AZURE_AUTHORITY_HOST=" + srv.URL,
		"SOURCE_ENDPOINT=" + srv.URL, "SSL_CERT_FILE=" + ca, "SOURCE_CALLS_PER_MINUTE=100000", "SOURCE_CALLS_PER_HOUR=100000",
		"LAKE_URL=" + lake, "PIPELINE_SPILL=" + dir, since,
	}, pairs...)...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("export to %s: %w: %s", lake, err, said.String())
	}
	var summary struct {
		Rows int `json:"rows"`
	}
	if err := json.Unmarshal(out, &summary); err != nil {
		return fmt.Errorf("export to %s: summary %q: %w", lake, out, err)
	}
	if summary.Rows != rows {
		return fmt.Errorf("export to %s: %d rows, want %d: %s", lake, summary.Rows, rows, out)
	}
	return nil
}

// newTenant is a tenant that never throttles.
func newTenant() *tenant.Tenant {
	return tenant.New(tenant.Options{CallsPerMinute: -1, MaxBytes: 124_000_000})
}

// newLake is a folder for an export.
func newLake() (string, error) { return os.MkdirTemp(scratch, "lake") }
