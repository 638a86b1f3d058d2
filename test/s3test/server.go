// Package s3test runs versitygw, a real S3 server over a directory, for tests.
//
// It promises a server that checks signatures and conditions as S3 does, that can
// be killed and restarted with the same data, and that ends with the test. Its
// objects are plain files, so other readers can look at them without S3.
package s3test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"hunting-exporter/test/cache"
	"hunting-exporter/test/process"
)

const (
	ready = 30 * time.Second
	tries = 3 // another process may have taken the port in between
)

// Server is a running S3 server. Its keys guard nothing.
type Server struct {
	Endpoint  string // http://127.0.0.1:port
	Region    string
	AccessKey string
	SecretKey string

	addr    string
	bin     string
	dir     string
	args    []string
	process *process.Process
	buckets atomic.Int64
}

// Start starts a server that ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	s, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("versitygw: %s", s.Log())
		}
		s.Close()
	})
	return s
}

// New starts a server for a TestMain, to be shared by the tests of a package.
// Whoever calls it must call Close.
func New() (*Server, error) {
	bin, err := cache.Tool("versitygw", "github.com/versity/versitygw/cmd/versitygw")
	if err != nil {
		return nil, err
	}
	var failed error
	for range tries {
		s := &Server{bin: bin, Region: "us-east-1", AccessKey: "access", SecretKey: "secret-of-the-test"}
		if err := s.create(); err != nil {
			s.Close()
			return nil, fmt.Errorf("s3test: prepare a server: %w", err)
		}
		if failed = s.Restart(); failed == nil {
			return s, nil
		}
		failed = fmt.Errorf("%w\n%s", failed, s.Log())
		s.Close()
	}
	return nil, failed
}

func (s *Server) create() error {
	port, err := process.Port()
	if err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp("", "s3test-"); err != nil {
		return err
	}
	s.addr = process.Addr(port)
	s.Endpoint = "http://" + s.addr
	if err := hasAttributes(s.dir); err != nil {
		return err
	}
	data := filepath.Join(s.dir, "data")
	s.args = []string{"--port", s.addr, "--region", s.Region, "--quiet", "--health", "/health", "posix", data}
	return os.Mkdir(data, 0o755)
}

// Restart starts the server again, on the same address with the same data, and
// returns when it answers.
func (s *Server) Restart() error {
	s.Kill()
	p, err := process.New(process.Command{
		Path: s.bin, Args: s.args, Dir: s.dir,
		Env: process.Environ("ROOT_ACCESS_KEY_ID="+s.AccessKey, "ROOT_SECRET_ACCESS_KEY="+s.SecretKey),
	})
	if err != nil {
		return fmt.Errorf("s3test: %w", err)
	}
	s.process = p
	ctx, cancel := context.WithTimeout(context.Background(), ready)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !s.answers(ctx) {
		select {
		case <-tick.C:
		case <-p.Done():
			return errors.New("s3test: versitygw ended at once")
		case <-ctx.Done():
			return fmt.Errorf("s3test: versitygw does not answer after %v", ready)
		}
	}
	return nil
}

func (s *Server) answers(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoint+"/health", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	return response.Body.Close() == nil && response.StatusCode == http.StatusOK
}

// Kill ends the server as a crash would.
func (s *Server) Kill() {
	if s.process != nil {
		s.process.Kill()
	}
}

// Close kills the server and removes its data.
func (s *Server) Close() {
	s.Kill()
	if s.dir != "" {
		_ = os.RemoveAll(s.dir) // in the temporary directory; nothing depends on it
	}
}

// Log is the end of what the server said.
func (s *Server) Log() string {
	if s.process == nil {
		return ""
	}
	return s.process.Stdout.Tail() + s.process.Stderr.Tail()
}

// Env is the exporter's environment for this server.
func (s *Server) Env() []string {
	return []string{
		"AWS_ENDPOINT_URL_S3=" + s.Endpoint, "AWS_REGION=" + s.Region,
		"AWS_ACCESS_KEY_ID=" + s.AccessKey, "AWS_SECRET_ACCESS_KEY=" + s.SecretKey,
		"AWS_EC2_METADATA_DISABLED=true", "S3_PATH_STYLE=true",
	}
}

// Setenv gives the test itself the environment for this server, for code that
// reads it in the same process.
func (s *Server) Setenv(t testing.TB) {
	t.Helper()
	for _, pair := range s.Env() {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
}

// Client is a client of this server.
func (s *Server) Client() *awss3.Client {
	return awss3.New(awss3.Options{
		BaseEndpoint: aws.String(s.Endpoint),
		Region:       s.Region,
		UsePathStyle: true,
		Credentials:  credentials.NewStaticCredentialsProvider(s.AccessKey, s.SecretKey, ""),
	})
}

// Bucket creates a bucket of its own for a test and returns its name.
func (s *Server) Bucket(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("bucket-%d", s.buckets.Add(1))
	if _, err := s.Client().CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatalf("create bucket: %v", err)
	}
	return name
}

// Path is where an object, or the objects under a prefix, lie as plain files.
func (s *Server) Path(bucket, key string) string {
	return filepath.Join(s.dir, "data", bucket, filepath.FromSlash(key))
}
