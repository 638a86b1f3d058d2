package report

import (
	"io"
	"sync"

	"github.com/schollz/progressbar/v3"
)

// Console is stderr: log lines and, on a terminal, one line of progress below them.
type Console struct {
	Live bool

	mu  sync.Mutex
	w   io.Writer
	bar *progressbar.ProgressBar // nil: no terminal, or ended
}

// NewConsole writes to w, with a line of progress where a person sits before it.
func NewConsole(w io.Writer, terminal bool) *Console {
	c := &Console{Live: terminal, w: w}
	if terminal {
		c.bar = progressbar.NewOptions64(-1, progressbar.OptionSetWriter(w), progressbar.OptionSetPredictTime(false),
			progressbar.OptionClearOnFinish(), progressbar.OptionSetSpinnerChangeInterval(0)) // it would draw into log lines
	}
	return c
}

// Write puts a log line above the progress.
func (c *Console) Write(line []byte) (int, error) {
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

// draw shows how far it is: done of total, which is 0 where nobody knows it.
func (c *Console) draw(text string, done, total int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bar == nil {
		return
	}
	if total > 0 {
		c.bar.ChangeMax64(total + 1) // a full bar would be gone, and what was read is not committed yet
		_ = c.bar.Set64(done)
	}
	c.bar.Describe(text)
}

// Close takes the progress away.
func (c *Console) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bar != nil {
		_ = c.bar.Exit()
		_ = c.bar.Clear()
		c.bar = nil
	}
}
