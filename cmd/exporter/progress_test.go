package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hunting-exporter/pipeline"
)

// On a terminal the progress is one line, which a log line does not break.
func TestProgressOnATerminal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		c := newConsole(&out, true)
		c.measure(200)
		time.Sleep(time.Second) // it is not drawn more often than somebody can look
		c.describe("7 calls, 25 %, about 3m left")
		time.Sleep(time.Second)
		c.committed(pipeline.Commit{Rows: 50})
		if _, err := c.Write([]byte("a log line\n")); err != nil {
			t.Fatal(err)
		}
		c.close()
		c.describe("ended")
		for _, says := range []string{"7 calls, 25 %, about 3m left", "a log line\n", "(50/200"} {
			if !strings.Contains(out.String(), says) {
				t.Errorf("%q is not in %q", says, out.String())
			}
		}
		if strings.Contains(out.String(), "ended") {
			t.Errorf("progress after its end: %q", out.String())
		}
	})
}
