//go:build crashpoint && unix

package main

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"hunting-exporter/pipeline/commit"
)

func init() { crashPoint = killed }

// killed kills this process right after a step of the commit protocol, as
// EXPORTER_CRASH="step[:n]" says: the n-th time that any dataset reaches it.
func killed() func(commit.Step) {
	step, nth, _ := strings.Cut(os.Getenv("EXPORTER_CRASH"), ":")
	if step == "" {
		return nil
	}
	n, err := strconv.ParseInt(nth, 10, 64)
	if err != nil {
		n = 1
	}
	var reached atomic.Int64
	return func(s commit.Step) {
		if string(s) == step && reached.Add(1) == n {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // nothing more happens, until the signal arrives
		}
	}
}
