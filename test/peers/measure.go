package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// use is what a process used.
type use struct {
	cpu   float64 // seconds, user and system
	rss   int64   // bytes, at most
	files int64   // bytes of Parquet that it left
}

// measure runs a command that writes into a new folder.
func measure(command func(dir string) *exec.Cmd, dir string) (u use, err error) {
	if err := os.RemoveAll(dir); err != nil {
		return u, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return u, err
	}
	cmd := command(dir)
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return u, err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for running := true; running; {
		select {
		case err = <-done:
			running = false
		case <-time.After(10 * time.Millisecond):
			u.rss = max(u.rss, highWater(cmd.Process.Pid))
		}
	}
	text := said.String()
	if err != nil {
		return u, fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, text[max(0, len(text)-2000):])
	}
	u.cpu = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".parquet") {
			if info, err := d.Info(); err == nil {
				u.files += info.Size()
			}
		}
		return err
	})
	if u.files == 0 {
		return u, fmt.Errorf("%s wrote no file: %s", filepath.Base(cmd.Path), text)
	}
	return u, err
}

// highWater is the largest resident set that a process has had, in bytes.
func highWater(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0 // it has ended
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kib int64
	_, _ = fmt.Sscan(rest, &kib)
	return kib << 10
}
