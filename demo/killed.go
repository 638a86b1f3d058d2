package demo

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"hunting-exporter/config"
	"hunting-exporter/report"
	"hunting-exporter/tenant"
)

const (
	// lease is how long the second run waits for the claims of the killed one.
	lease = time.Second
	// commitsBefore is how many commits the first run makes before it is killed.
	commitsBefore = 3
)

// exportKilled exports in processes of their own: the first one is throttled and
// killed without warning, the second one goes on.
func (d *Demo) exportKilled(ctx context.Context) (report.Run, error) {
	d.server.Tenant.Fault(func(c tenant.Call) tenant.Fault {
		if c.API != "token" && (c.N == 2 || c.N == 5) {
			return c.CPUExceeded(time.Second) // the quota of calls would be learned, and kept for a minute
		}
		return tenant.Fault{}
	})
	cert, err := d.server.CertFile()
	if err != nil {
		return report.Run{}, err
	}
	settings := d.settings()
	settings["SSL_CERT_FILE"] = cert
	if err := d.killedRun(ctx, settings); err != nil {
		return report.Run{}, err
	}
	fmt.Fprintf(d.Out, "The first run was throttled twice and killed (SIGKILL) after %d commits, with others under way; running again\n", commitsBefore)
	select {
	case <-time.After(lease):
	case <-ctx.Done():
		return report.Run{}, ctx.Err()
	}
	cmd, err := d.child(ctx, settings)
	if err != nil {
		return report.Run{}, err
	}
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Run(); err != nil && ctx.Err() == nil {
		return report.Run{}, fmt.Errorf("second run: %w\n%s", err, log.Bytes())
	}
	var rep report.Run
	if err := json.Unmarshal(out.Bytes(), &rep); err != nil {
		return report.Run{}, fmt.Errorf("summary of the second run: %w", err)
	}
	return rep, nil
}

// killedRun starts a run and kills it after a few commits.
func (d *Demo) killedRun(ctx context.Context, settings map[string]string) error {
	cmd, err := d.child(ctx, settings)
	if err != nil {
		return err
	}
	log, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	cmd.Stdout = io.Discard
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the first run: %w", err)
	}
	commits := 0
	var last string
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		last = lines.Text()
		if strings.Contains(last, `"msg":"committed"`) {
			if commits++; commits == commitsBefore {
				_ = cmd.Process.Kill() // it may have ended by itself: seen below
			}
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); errors.As(err, &exit) && !exit.Exited() {
		return nil
	}
	return fmt.Errorf("the first run ended before it could be killed, after %d commits; last it said %s", commits, last)
}

// child is a run of this program in a process of its own.
func (d *Demo) child(ctx context.Context, settings map[string]string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, "run")
	for _, pair := range d.Environ {
		if !config.Concerns(pair) {
			cmd.Env = append(cmd.Env, pair)
		}
	}
	for name, value := range settings {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd, nil
}
