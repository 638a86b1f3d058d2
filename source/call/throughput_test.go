//go:build unix

package call

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"hunting-exporter/internal/pool"
	"hunting-exporter/transform"
)

// serveVariable makes a copy of the test binary a server, so that what is measured is
// the client alone.
const serveVariable = "SOURCE_TEST_SERVE"

// benchRows make a body of about 50 MB.
const benchRows = 78_000

// served is what the server says of itself.
type served struct {
	URL         string
	Certificate []byte
	Bytes       int64 // of the body, not compressed
}

// TestServe is no test: it is the server of BenchmarkSource, in a process of its own.
func TestServe(t *testing.T) {
	if os.Getenv(serveVariable) == "" {
		return
	}
	plain := varied(benchRows)
	var zipped bytes.Buffer
	z, err := gzip.NewWriterLevel(&zipped, 5)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		body := plain
		if req.URL.Path == "/gzip" {
			w.Header().Set("Content-Encoding", "gzip")
			body = zipped.Bytes()
		}
		for len(body) > 0 { // in pieces, as a server does that does not know the length
			n := min(len(body), 64<<10)
			if _, err := w.Write(body[:n]); err != nil {
				return
			}
			body = body[n:]
		}
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	if err := json.NewEncoder(os.Stdout).Encode(served{srv.URL, srv.Certificate().Raw, int64(len(plain))}); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // until the benchmark has ended
}

// varied is an answer whose hashes and identifiers differ from row to row, as they do in
// life: otherwise gzip would have next to nothing to do.
func varied(rows int) []byte {
	random := rand.NewChaCha8([32]byte{1})
	hash := make([]byte, 32)
	var b bytes.Buffer
	b.WriteString(`{"schema":[{"name":"Timestamp","type":"DateTime"},{"name":"DeviceId","type":"String"},{"name":"DeviceName","type":"String"},{"name":"ActionType","type":"String"},{"name":"FileName","type":"String"},{"name":"FolderPath","type":"String"},{"name":"SHA1","type":"String"},{"name":"SHA256","type":"String"},{"name":"MD5","type":"String"},{"name":"FileSize","type":"Int64"},{"name":"ProcessId","type":"Int64"},{"name":"ProcessCommandLine","type":"String"},{"name":"AccountSid","type":"String"},{"name":"LogonId","type":"Int64"},{"name":"ReportId","type":"Int64"},{"name":"AdditionalFields","type":"Object"},{"name":"InitiatingProcessFileName","type":"String"},{"name":"InitiatingProcessParentId","type":"Int64"}],"results":[`)
	for i := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		_, _ = random.Read(hash)
		fmt.Fprintf(&b, `{"Timestamp":"2026-01-02T03:04:05.%07dZ","DeviceId":"%x","DeviceName":"host-%d.contoso.test","ActionType":"ProcessCreated",`+
			`"FileName":"svchost.exe","FolderPath":"C:\\Windows\\System32\\svchost.exe","SHA1":"%x","SHA256":"%x","MD5":"%x","FileSize":51696,`+
			`"ProcessId":%d,"ProcessCommandLine":"svchost.exe -k netsvcs -p -s \"Schedule\"","AccountSid":"S-1-5-18","LogonId":999,"ReportId":%d,`+
			`"AdditionalFields":{},"InitiatingProcessFileName":"services.exe","InitiatingProcessParentId":700}`,
			i, hash[:20], hash[0]%100, hash[12:], hash, hash[16:], hash[1], i)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

// startServer runs TestServe elsewhere until the benchmark ends.
func startServer(b *testing.B) (served, *x509.CertPool) {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestServe$")
	cmd.Env = append(os.Environ(), serveVariable+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	var s served
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&s); err != nil {
		b.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(s.Certificate)
	if err != nil {
		b.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	return s, roots
}

// used is the CPU time of this process so far.
func used(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkSource makes calls whose answer has about 50 MB, from the request to the
// complete page. The server is another process: cpu-s/280MB is the client's part alone.
func BenchmarkSource(b *testing.B) {
	s, roots := startServer(b)
	for _, protocol := range []string{"http1", "http2"} {
		for _, encoding := range []string{"plain", "gzip"} {
			b.Run(protocol+"/"+encoding, func(b *testing.B) {
				web := newHTTP(nil, 4)
				transport := web.Transport.(*http.Transport)
				transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
				transport.ForceAttemptHTTP2 = protocol == "http2"
				defer web.CloseIdleConnections()
				c := &Client{cfg: Config{API: "graph", MaxRows: 100_000, MaxBody: 512 << 20, Timeout: time.Minute}, url: s.URL + "/" + encoding, http: web, decoder: transform.NewDecoder(transform.Config{}, new(pool.Pool)), identity: new(Identity), now: time.Now, skew: &skew{now: time.Now}, log: slog.New(slog.DiscardHandler)}
				b.SetBytes(s.Bytes)
				b.ReportAllocs()
				begun := used(b)
				for b.Loop() {
					a, err := c.call(b.Context(), Target{}, "token", request{Query: "T"})
					if err != nil || a.Rows() != benchRows {
						b.Fatal(a.Rows(), err)
					}
					a.Release()
				}
				perByte := (used(b) - begun).Seconds() / float64(b.N) / float64(s.Bytes)
				b.ReportMetric(perByte*280e6, "cpu-s/280MB")
			})
		}
	}
}
