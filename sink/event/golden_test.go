package event_test

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hunting-exporter/hunting"
	"hunting-exporter/sink/event"
)

var update = flag.Bool("update", false, "write the golden files anew")

// samples are one row each, of tables that the stream treats differently.
func samples() []sample {
	ingested := cell{"_IngestionTime", "DateTime", late.Add(1234567 * hunting.Tick)}
	old := cell{"Timestamp", "DateTime", time.Date(1601, 1, 1, 0, 0, 0, 100, time.UTC)}
	now := cell{"Timestamp", "DateTime", noon}
	return []sample{
		{name: "DeviceEvents", ds: keyed("DeviceEvents", "DeviceId"), cells: []cell{
			now,
			{"DeviceId", "String", "d-1"},
			{"ReportId", "Int64", int64(math.MinInt64)},
			{"ProcessTokenElevation", "String", ""},
			{"RemoteDeviceName", "String", ""},
			{"AdditionalFields", "String", `{"a": "<&>é"}`},
			{"Signed", "SByte", true},
			ingested,
		}},
		{name: "DeviceEvents with keys beside its columns", ds: keyed("DeviceEvents", "DeviceId"), cells: []cell{
			old, {"DeviceId", "String", nil}, {"InitiatingProcessId", "Int64", nil}, {"_extra", "Object", `{"MachineGroup":"g","DeviceId":"x","New":[1,{}]}`},
		}},
		{name: "CloudAppEvents", ds: keyed("CloudAppEvents", "AccountObjectId"), cells: []cell{
			now, {"AccountObjectId", "String", ""}, {"Isp", "String", "a \"b\"\n\x01\xff"}, {"RawEventData", "Object", `{"Id":1}`}, {"Score", "Double", 1e-7}, ingested,
		}},
		{name: "CloudProcessEvents", ds: keyed("CloudProcessEvents", ""), cells: []cell{
			{"Timestamp", "DateTime", nil}, {"AdditionalFields", "String", `[1]`}, {"ParentProcessId", "String", "12"}, ingested,
		}},
		{name: "AlertInfo without any time", ds: keyed("AlertInfo", "N"), cells: []cell{{"N", "Int64", nil}, {"N_2=N", "String", "was a number"}, {"I", "Int32", int32(-5)}}},
		{name: "a query called like a table", ds: hunting.Dataset{Name: "DeviceEvents", Query: "T", TimeColumn: "When", Key: "Count"}, cells: []cell{
			{"When", "DateTime", late}, {"Count", "Int64", int64(7)}, {"Big", "Double", 1e22}, {"Empty", "String", ""},
		}},
	}
}

type sample struct {
	name  string
	ds    hunting.Dataset
	cells []cell
}

func keyed(table, key string) hunting.Dataset {
	return hunting.Dataset{Name: table, TimeColumn: "Timestamp", Key: key}
}

// TestGolden: the events of every format are byte for byte what they were.
func TestGolden(t *testing.T) {
	for _, format := range event.Names() {
		t.Run(format, func(t *testing.T) {
			var b strings.Builder
			for _, s := range samples() {
				f, err := event.New(format, s.ds, tenant)
				if err != nil {
					t.Fatal(err)
				}
				batch := oneRow(s.cells...)
				for _, e := range events(t, f, batch) {
					fmt.Fprintf(&b, "%s\nkey %q, time %d\n", s.name, e.Key, e.Time)
					for _, h := range e.Headers {
						fmt.Fprintf(&b, "%s: %s\n", h.Key, h.Value)
					}
					fmt.Fprintf(&b, "%s\n\n", e.Value)
				}
				batch.Release()
			}
			golden := filepath.Join("testdata", format+".golden")
			if *update {
				if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), b.String()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}
