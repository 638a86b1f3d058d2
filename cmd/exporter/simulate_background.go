package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
)

// detach simulates in a process of its own, passes on what that says and returns when
// it serves: when it has closed its output.
func (c *cli) detach(ctx context.Context) error {
	signal.Reset() // a signal ends this process, and the other has nobody to print to
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("serve in the background: %w", err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), self, append(slices.Clone(c.args), "--detached")...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("serve in the background: %w", err)
	}
	errs, err := cmd.StderrPipe()
	if err != nil {
		return fmt.Errorf("serve in the background: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("serve in the background: %w", err)
	}
	said, err := io.Copy(c.out, out)
	if err == nil && said > 0 {
		fmt.Fprintf(c.err, "serving in the background; kill %d ends it\n", cmd.Process.Pid)
		return cmd.Process.Release()
	}
	if err != nil {
		err = errors.Join(err, cmd.Process.Kill())
	}
	_, copied := io.Copy(c.err, errs)
	err = errors.Join(err, copied, cmd.Wait())
	if ended := new(exec.ExitError); errors.As(err, &ended) && ended.Exited() {
		return &reportedError{ended.ExitCode()}
	}
	return fmt.Errorf("serve in the background: %w", err)
}
