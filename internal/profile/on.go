//go:build profile

package profile

import (
	"os"
	"runtime"
	"runtime/pprof"
)

// Start writes a CPU profile to the file that EXPORTER_CPU_PROFILE names, and at the
// end one of the heap beside it.
func Start() (stop func()) {
	path := os.Getenv("EXPORTER_CPU_PROFILE")
	if path == "" {
		return func() {}
	}
	f, err := os.Create(path)
	if err != nil {
		panic(err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		panic(err)
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close()
		if heap, err := os.Create(path + ".heap"); err == nil {
			runtime.GC()
			_ = pprof.Lookup("allocs").WriteTo(heap, 0)
			_ = heap.Close()
		}
	}
}
