package query_test

import (
	"os"
	"strings"

	"hunting-exporter/config/query"
)

// A query whose window nobody can cut is refused, with the line.
func ExampleCheck() {
	checked, err := query.Check([]string{"-"}, strings.NewReader(`// name: FailedLogons
DeviceLogonEvents
| where Timestamp >= _startTime and Timestamp < _endTime
| take 5`))
	if err != nil {
		panic(err)
	}
	for _, f := range checked.Files {
		for _, r := range f.Refused {
			_, _ = os.Stdout.WriteString(r.String() + "\n")
		}
	}
	// Output: line 4: take keeps some rows and drops the others: remove it, or narrow the query with where
}
