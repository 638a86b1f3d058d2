package process_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hunting-exporter/test/process"
)

const wait = 10 * time.Second

func shell(script string) process.Command {
	return process.Command{Path: "/bin/sh", Args: []string{"-c", script}, Env: process.Environ("GREETING=hello")}
}

func TestExitCodeAndOutput(t *testing.T) {
	p := process.Start(t, shell(`echo "$GREETING"; echo oops >&2; exit 3`))
	if got := p.Wait(t, wait); got.Code != 3 || got.Signal != 0 {
		t.Errorf("ended with %v, want exit code 3", got)
	}
	if got := p.Stdout.String(); got != "hello\n" {
		t.Errorf("stdout %q, want hello", got)
	}
	if got := p.Stderr.String(); got != "oops\n" {
		t.Errorf("stderr %q, want oops", got)
	}
}

func TestSignals(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		p := process.Start(t, shell("echo ready; exec sleep 600"))
		if err := p.Stdout.WaitFor("ready", wait); err != nil {
			t.Fatal(err)
		}
		if err := p.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if got := p.Wait(t, wait); got.Signal != signal {
			t.Errorf("ended with %v, want %v", got, signal)
		}
		if err := p.Signal(signal); err != nil {
			t.Errorf("signal after the end: %v", err)
		}
	}
}

func TestKilledWhenTheTestEnds(t *testing.T) {
	var p *process.Process
	t.Run("starts it", func(t *testing.T) { p = process.Start(t, shell("exec sleep 600")) })
	select {
	case <-p.Done():
	default:
		t.Errorf("process %d still runs after its test", p.Pid())
	}
	if err := syscall.Kill(p.Pid(), 0); err == nil {
		t.Errorf("process %d still exists", p.Pid())
	}
}

func TestWaitForSaysWhyItGaveUp(t *testing.T) {
	p := process.Start(t, shell("exit 0"))
	if err := p.Stdout.WaitFor("ready", wait); err == nil || !strings.Contains(err.Error(), "ended before") {
		t.Errorf("got %v, want that the program ended", err)
	}
	p = process.Start(t, shell("exec sleep 600"))
	if err := p.Stdout.WaitFor("ready", time.Millisecond); err == nil || !strings.Contains(err.Error(), "within") {
		t.Errorf("got %v, want that time ran out", err)
	}
}

func TestStartOfWhatDoesNotExist(t *testing.T) {
	if _, err := process.New(process.Command{Path: filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("no error")
	}
}
