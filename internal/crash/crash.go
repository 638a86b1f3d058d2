// Package crash ends the process after a panic with an exit code of its own.
//
// Go itself exits with 2, which stands for a wrong configuration here and is not tried
// again by Kubernetes. Nothing is cleaned up: what a crash leaves behind is what the commit
// protocol settles at the next run. Fatal errors of the runtime (out of memory, concurrent
// map writes) and panics in goroutines that libraries start cannot be caught, and end with 2.
package crash

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
)

// Code is the exit code: EX_SOFTWARE of sysexits.h.
const Code = 70

var teller atomic.Pointer[func(line string)]

// Tell takes how the line of a panic is said, such as in the form of the log.
func Tell(say func(line string)) { teller.Store(&say) }

func tell(line string) {
	if say := teller.Load(); say != nil {
		(*say)(line)
		return
	}
	fmt.Fprintln(os.Stderr, line)
}

// Exit ends the process with Code if the goroutine panics, after one line on standard
// error. It is deferred last in every goroutine, so that nothing that is deferred before
// it, such as closing a channel, makes others take the work for done.
func Exit() {
	if r := recover(); r != nil {
		tell(fmt.Sprintf("internal error at %s: %s; nothing that was committed is lost, the next run goes on from there; please report this line",
			place(), strings.Join(strings.Fields(fmt.Sprint(r)), " ")))
		os.Exit(Code)
	}
}

// place is the file and line that panicked, below the frames of the runtime.
func place() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, "runtime.") || !more {
			return fmt.Sprintf("%s:%d", f.File[strings.LastIndex(f.File, "/")+1:], f.Line)
		}
	}
}
