package e2e_test

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"hunting-exporter/schema"
	"hunting-exporter/tenant"
)

// TestDeletedTopic: the run after its topic was deleted says how many events are gone. One
// whose records were deleted, or that has got more partitions, is no deleted one.
func TestDeletedTopic(t *testing.T) {
	const table, said = "DeviceEvents", "the topic was deleted"
	for _, s := range combinations[1:] {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s := s.on(t, false)
			topic := s.topics + table
			broker(t).CreateTopic(t, topic, 2, nil)
			client, err := kgo.NewClient(kgo.SeedBrokers(s.addr))
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			admin := kadm.NewClient(client)
			from := newSite(t, tenant.Options{})
			begin := time.Now().Add(-3 * time.Hour).UTC().Truncate(time.Second)
			columns := []schema.Column{{Name: "Timestamp", Type: "DateTime"}, {Name: "DeviceId", Type: "String"}, {Name: "ReportId", Type: "Int64"}}
			rows := 0
			run := func(more int, want string) {
				t.Helper()
				late := int64(0)
				if rows > 0 { // the first run has passed their time
					late = int64(more)
				}
				for range more {
					at := begin.Add(time.Duration(rows) * time.Minute)
					if err := from.Add(table, columns, tenant.Row{Ingested: at, Cells: []any{at, "device", rows}}); err != nil {
						t.Fatal(err)
					}
					rows++
				}
				p := command(t, from.env(t, append(s.env, "EXPORT_TABLES="+table)...), 0, "run")
				wantRows(t, p, int64(more), late)
				if log := p.Stderr.String(); strings.Contains(log, said) != (want != "") || !strings.Contains(log, want) {
					t.Errorf("want %q in the log:\n%s", want, log)
				}
			}
			run(40, "")
			ends, err := admin.ListEndOffsets(t.Context(), topic)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := admin.DeleteRecords(t.Context(), ends.Offsets()); err != nil {
				t.Fatal(err)
			}
			if _, err := admin.CreatePartitions(t.Context(), 3, topic); err != nil {
				t.Fatal(err)
			}
			run(10, "")
			if _, err := admin.DeleteTopics(t.Context(), topic); err != nil {
				t.Fatal(err)
			}
			run(20, `"events":50`)
			run(0, "")
			if n := len(s.events(t, table)); n != 20 {
				t.Errorf("%d events, want the 20 of after", n)
			}
		})
	}
}
