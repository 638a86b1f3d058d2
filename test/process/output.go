package process

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// tail is how much of an output goes into a message.
const tail = 8 << 10

// Output is what a program has printed so far.
type Output struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	changed chan struct{} // closed at the next write or the end
	ended   bool
}

func newOutput() *Output { return &Output{changed: make(chan struct{})} }

// Write takes what the program prints.
func (o *Output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.wake()
	return o.buf.Write(b)
}

func (o *Output) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	o.wake()
}

func (o *Output) wake() {
	close(o.changed)
	o.changed = make(chan struct{})
}

// String is everything printed so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// Tail is the end of what was printed, for messages.
func (o *Output) Tail() string {
	s := o.String()
	if len(s) > tail {
		return "… " + s[len(s)-tail:]
	}
	return s
}

// WaitFor waits until the program has printed text. It fails when the program
// ends first, or after timeout.
func (o *Output) WaitFor(text string, timeout time.Duration) error {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for {
		o.mu.Lock()
		found, ended, changed := strings.Contains(o.buf.String(), text), o.ended, o.changed
		o.mu.Unlock()
		switch {
		case found:
			return nil
		case ended:
			return fmt.Errorf("process: ended before it printed %q: %w", text, errEnded)
		}
		select {
		case <-changed:
		case <-timer.C:
			return fmt.Errorf("process: did not print %q within %v", text, timeout)
		}
	}
}

var errEnded = errors.New("no more output")
