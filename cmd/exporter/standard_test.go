package main

import (
	"bufio"
	"encoding/json"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"
)

// TestStandardLibraryLogs: what the standard library has to say is a record like any other.
func TestStandardLibraryLogs(t *testing.T) {
	t.Parallel()
	cmd, _, _ := child(t, map[string]string{"LOG_FORMAT": "json"}, "simulate", "--rows", "1", "--tables", "AlertInfo")
	cmd.Stdout, cmd.Stderr = nil, nil
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	errs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if endpoint, ok := strings.CutPrefix(lines.Text(), "export SOURCE_ENDPOINT="); ok {
			u, err := url.Parse(strings.Trim(endpoint, "'"))
			if err != nil {
				t.Fatal(err)
			}
			conn, err := net.Dial("tcp", u.Host)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			if _, err := conn.Write([]byte("GET / HTTP/1.0\r\n\r\n")); err != nil { // where TLS is spoken
				t.Fatal(err)
			}
			break
		}
	}
	for lines := bufio.NewScanner(errs); lines.Scan(); {
		if !strings.Contains(lines.Text(), "TLS handshake error") {
			continue
		}
		var record struct{ Level, Msg, Run string }
		if err := json.Unmarshal(lines.Bytes(), &record); err != nil || record.Level != "WARN" || record.Run == "" {
			t.Errorf("%s: %v", lines.Text(), err)
		}
		return
	}
	t.Error("nothing was logged")
}
