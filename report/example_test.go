package report_test

import (
	"os"

	"hunting-exporter/pipeline"
	"hunting-exporter/report"
)

// A run's summary for programs; people get the same as a table.
func ExampleRun() {
	r := report.Run{Version: "v1", Run: "host-1-a", Calls: 3}
	r.Add(pipeline.Result{Dataset: "AlertInfo", Rows: 2, Commits: 1, Files: 1, Bytes: 2048}, false)
	r.End(0)
	r.Seconds = 1.5
	_ = r.Print(os.Stdout, false)
	// Output: {"version":"v1","run":"host-1-a","datasets":[{"dataset":"AlertInfo","rows":2,"rejected":0,"commits":1,"files":1,"bytes":2048,"events":0,"events_rejected":0,"late":0,"gaps":0}],"rows":2,"rejected":0,"commits":1,"files":1,"bytes":2048,"events":0,"events_rejected":0,"calls":3,"refusals":0,"seconds":1.5,"buffer_bytes":0,"exit_code":0}
}
