// Package process starts real programs for tests, watches what they print, and
// signals them at will.
//
// It promises that no program outlives the test that started it: it is killed by
// its pid when the test ends, and by the kernel should the test binary die.
package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// Command says what to run.
type Command struct {
	Path string
	Args []string
	Env  []string // the whole environment; nil: that of the test
	Dir  string
}

// Process is a started program.
type Process struct {
	Stdout, Stderr *Output

	name string
	pid  int
	done chan struct{} // closed when the program has ended
	exit Exit          // valid after done
}

// Exit is how a program ended.
type Exit struct {
	Code   int            // -1 after a signal
	Signal syscall.Signal // 0 if the program exited by itself
	CPU    time.Duration  // user and system time
}

func (e Exit) String() string {
	if e.Signal != 0 {
		return "signal " + e.Signal.String()
	}
	return fmt.Sprintf("exit code %d", e.Code)
}

// Start starts c and kills it when the test ends.
func Start(t testing.TB, c Command) *Process {
	t.Helper()
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("%s: %v\nstdout: %s\nstderr: %s", p.name, p.exit, p.Stdout.Tail(), p.Stderr.Tail())
		}
	})
	return p
}

// New starts c. Whoever calls it must call Kill; tests rather use Start.
func New(c Command) (*Process, error) {
	cmd := exec.Command(c.Path, c.Args...) //nolint:noctx // signalled by pid, so that SIGTERM and SIGKILL can be told apart
	cmd.Env, cmd.Dir = c.Env, c.Dir
	p := &Process{Stdout: newOutput(), Stderr: newOutput(), name: c.Path, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.Stdout, p.Stderr
	// A grandchild may keep the pipes open after the program is dead.
	cmd.WaitDelay = 10 * time.Second
	endWithParent(cmd)

	started := make(chan error)
	go func() {
		// The kernel ties the parent's death to the thread that forked: keep it.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.wait(cmd)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("process: start %s: %w", c.Path, err)
	}
	p.pid = cmd.Process.Pid
	return p, nil
}

func (p *Process) wait(cmd *exec.Cmd) {
	_ = cmd.Wait() // how it ended is read from the state below
	p.exit = Exit{Code: cmd.ProcessState.ExitCode(), CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if s, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		p.exit.Signal = s.Signal()
	}
	p.Stdout.end()
	p.Stderr.end()
	close(p.done)
}

// Pid is the process id.
func (p *Process) Pid() int { return p.pid }

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Signal sends a signal; a program that has ended already is no error.
func (p *Process) Signal(s syscall.Signal) error {
	select {
	case <-p.done:
		return nil
	default:
	}
	if err := syscall.Kill(p.pid, s); err != nil && !errors.Is(err, os.ErrProcessDone) && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("process: send %v to %s: %w", s, p.name, err)
	}
	return nil
}

// Kill sends SIGKILL and waits for the end.
func (p *Process) Kill() Exit {
	_ = p.Signal(syscall.SIGKILL) // SIGKILL to one's own child fails only if it is gone
	<-p.done
	return p.exit
}

// Wait waits for the end of the program and fails the test if it takes longer.
func (p *Process) Wait(t testing.TB, timeout time.Duration) Exit {
	t.Helper()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-p.done:
		return p.exit
	case <-timer.C:
		t.Fatalf("%s did not end within %v\nstderr: %s", p.name, timeout, p.Stderr.Tail())
		return Exit{}
	}
}
