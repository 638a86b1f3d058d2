package main

import (
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"hunting-exporter/pipeline"
)

// console is stderr: log lines and, on a terminal, one line of progress below them.
type console struct {
	live bool

	mu  sync.Mutex
	w   io.Writer
	bar *progressbar.ProgressBar // nil: no terminal, or ended
}

func newConsole(w io.Writer, terminal bool) *console {
	c := &console{live: terminal, w: w}
	if terminal {
		c.bar = progressbar.NewOptions64(-1, progressbar.OptionSetWriter(w), progressbar.OptionSetDescription("rows committed"),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("rows"),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetSpinnerChangeInterval(0)) // it would draw into log lines
	}
	return c
}

// Write puts a log line above the progress.
func (c *console) Write(line []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bar != nil {
		_ = c.bar.Clear() // progress is decoration: its errors do not matter
	}
	n, err := c.w.Write(line)
	if c.bar != nil {
		_ = c.bar.RenderBlank()
	}
	return n, err
}

// committed counts a commit's rows.
func (c *console) committed(commit pipeline.Commit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bar != nil {
		_ = c.bar.Add64(commit.Rows)
	}
}

// measure makes the progress one of so many rows; 0: nobody knows how many.
func (c *console) measure(rows int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bar != nil && rows > 0 {
		c.bar.ChangeMax64(rows)
	}
}

// describe says what the progress is about.
func (c *console) describe(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bar != nil {
		c.bar.Describe(text)
	}
}

// close takes the progress away.
func (c *console) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bar != nil {
		_ = c.bar.Exit()
		_ = c.bar.Clear()
		c.bar = nil
	}
}
