// Package kafkatest runs a real Apache Kafka broker for tests, from Maven
// artifacts alone, without containers.
//
// It promises a broker that can be stopped, killed and restarted on the same
// address with the same data, and that ends with the test.
package kafkatest

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"hunting-exporter/test/cache"
	"hunting-exporter/test/process"
)

const (
	ready   = 90 * time.Second // a start takes two seconds on an idle machine
	stopped = 60 * time.Second
	tries   = 3 // another process may have taken a port in between
)

// Options of a broker. The zero value is one plaintext listener.
type Options struct {
	// Properties are added to server.properties and win over its lines.
	Properties map[string]string
	// Security opens the TLS and SASL listeners, too.
	Security bool
	// Format are more arguments of the storage tool, e.g. --feature transaction.version=0.
	Format []string
}

// Broker is a single node, broker and controller in one.
type Broker struct {
	Addr     string   // plaintext listener, host:port
	Security Security // zero without Options.Security

	dir     string
	jars    string
	process *process.Process
}

// Start starts a broker that ends with the test.
func Start(t testing.TB, o Options) *Broker {
	t.Helper()
	b, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("kafka: %s", b.Log())
		}
		b.Close()
	})
	return b
}

// New starts a broker for a TestMain, to be shared by the tests of a package.
// Whoever calls it must call Close.
func New(o Options) (*Broker, error) {
	jars, err := cache.Dir("kafka-4.3.1", fetchJars)
	if err != nil {
		return nil, err
	}
	var failed error
	for range tries {
		b := &Broker{jars: jars}
		if err := b.create(o); err != nil {
			b.Close()
			return nil, fmt.Errorf("kafkatest: prepare a broker: %w", err)
		}
		if failed = b.Restart(); failed == nil {
			return b, nil
		}
		failed = fmt.Errorf("%w\n%s", failed, b.Log())
		b.Close()
	}
	return nil, failed
}

//go:embed pom.xml
var pom []byte

func fetchJars(dir string) error {
	if err := os.WriteFile(filepath.Join(dir, "pom.xml"), pom, 0o644); err != nil {
		return err
	}
	return cache.Run(dir, "mvn", "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=libs")
}

// Restart starts the broker again, on the same address with the same data, and
// returns when it answers.
func (b *Broker) Restart() error {
	if b.process != nil {
		b.Kill()
	}
	p, err := process.New(b.java("-Xms256m", "-Xmx512m", "kafka.Kafka", b.properties()))
	if err != nil {
		return fmt.Errorf("kafkatest: %w", err)
	}
	b.process = p
	if err := p.Stdout.WaitFor("Kafka Server started", ready); err != nil {
		return fmt.Errorf("kafkatest: start: %w", err)
	}
	client, err := b.Client()
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), ready)
	defer cancel()
	if err := client.Ping(ctx); err != nil {
		return fmt.Errorf("kafkatest: broker started but does not answer: %w", err)
	}
	return nil
}

// Kill ends the broker as a crash would.
func (b *Broker) Kill() {
	if b.process != nil {
		b.process.Kill()
	}
}

// Stop shuts the broker down in order.
func (b *Broker) Stop(t testing.TB) {
	t.Helper()
	if err := b.process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	b.process.Wait(t, stopped)
}

// Close kills the broker and removes its data.
func (b *Broker) Close() {
	b.Kill()
	if b.dir != "" {
		_ = os.RemoveAll(b.dir) // in the temporary directory; nothing depends on it
	}
}

// Log is the end of what the broker said.
func (b *Broker) Log() string {
	if b.process == nil {
		return ""
	}
	return b.process.Stdout.Tail() + b.process.Stderr.Tail()
}

// Client is a franz-go client of the plaintext listener.
func (b *Broker) Client(opts ...kgo.Opt) (*kgo.Client, error) {
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(b.Addr)}, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("kafkatest: client: %w", err)
	}
	return c, nil
}

func (b *Broker) properties() string { return filepath.Join(b.dir, "server.properties") }

func (b *Broker) java(args ...string) process.Command {
	log := filepath.Join(b.dir, "log4j2.yaml")
	return process.Command{
		Path: "java",
		Args: append([]string{"-cp", filepath.Join(b.jars, "libs", "*"), "-Dlog4j2.configurationFile=" + log}, args...),
		Env:  process.Environ(),
		Dir:  b.dir,
	}
}

// format prepares the data directory; it runs once per directory.
func (b *Broker) format(o Options) error {
	args := []string{"kafka.tools.StorageTool", "format", "-t", "4L6g3nShT-eMCtK--X86sw", "-c", b.properties()}
	if o.Security {
		args = append(args, scramUsers()...)
	}
	p, err := process.New(b.java(append(args, o.Format...)...))
	if err != nil {
		return err
	}
	timer := time.AfterFunc(ready, func() { p.Kill() })
	defer timer.Stop()
	<-p.Done()
	if exit := p.Kill(); exit.Code != 0 || exit.Signal != 0 {
		return errors.New("format: " + exit.String() + "\n" + strings.TrimSpace(p.Stdout.Tail()+p.Stderr.Tail()))
	}
	return nil
}
