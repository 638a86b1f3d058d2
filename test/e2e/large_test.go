package e2e_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/tenant"
	"hunting-exporter/test/duck"
)

// TestEventTooLarge: of 40 rows one is an event larger than the topic takes, alone in a
// batch and compressed; another is as large until it is compressed. The first goes to the
// rejects, with time, key and reason, and the run ends with 3; everything else goes on, in
// both sinks. Runs after that have nothing to say about it. The topic's limit is read; or
// the broker alone knows it, since it stores the topic uncompressed.
func TestEventTooLarge(t *testing.T) {
	for _, s := range combinations[1:] {
		for _, topic := range []map[string]string{
			{"max.message.bytes": "200000"},
			{"max.message.bytes": "200000", "compression.type": "uncompressed"},
		} {
			t.Run(fmt.Sprint(s.name, len(topic)), func(t *testing.T) {
				t.Parallel()
				tooLarge(t, s.on(t, false), topic)
			})
		}
	}
}

func tooLarge(t *testing.T, s sinks, topic map[string]string) {
	const table, large, squeezed, rows = "DeviceEvents", 20, 30, 40
	soft := strings.Repeat("again and ", 40_000)
	if len(topic) > 1 {
		soft = soft[:150_000]
	}
	broker(t).CreateTopic(t, s.topics+table, 2, topic)
	from := newSite(t, tenant.Options{MaxRows: 15})
	columns := []schema.Column{{Name: "Timestamp", Type: "DateTime"}, {Name: "DeviceId", Type: "String"}, {Name: "ReportId", Type: "Int64"}, {Name: "InitiatingProcessCommandLine", Type: "String"}}
	begin := time.Now().Add(-3 * time.Hour).UTC().Truncate(time.Second)
	kept := make([]string, 0, rows)
	for i := range rows {
		text := noise(40_000) // several fit into a batch, not all
		switch i {
		case large:
			text = noise(400_000)
		case squeezed:
			text = soft
		}
		at := begin.Add(time.Duration(i) * time.Minute)
		row := tenant.Row{Ingested: at, Cells: []any{at, fmt.Sprint("device-", i), i, text}}
		if err := from.Add(table, columns, row); err != nil {
			t.Fatal(err)
		}
		if i != large {
			kept = append(kept, fmt.Sprint("device-", i))
		}
	}
	env := from.env(t, append(s.env, "EXPORT_TABLES="+table, "SOURCE_MAX_ROWS=15", "EXPORT_COMMIT_ROWS=15")...)
	p := command(t, env, 3, "run")
	wantRows(t, p, rows, 0)
	for _, want := range []string{`"events":39,`, `"events_rejected":1`, "max.message.bytes", "rejects/" + table, s.topics + table} {
		if !strings.Contains(p.Stdout.String(), want) {
			t.Errorf("the summary lacks %s: %s", want, p.Stdout.Tail())
		}
	}
	again := command(t, env, 0, "run")
	wantRows(t, again, 0, 0)

	slices.Sort(kept)
	var sent []string
	for _, v := range s.events(t, table) {
		var e struct{ Properties struct{ DeviceId string } }
		if err := json.Unmarshal([]byte(v), &e); err != nil {
			t.Fatal(err)
		}
		sent = append(sent, e.Properties.DeviceId)
	}
	slices.Sort(sent)
	if !slices.Equal(sent, kept) {
		t.Errorf("Kafka has %q, want %q", sent, kept)
	}
	if s.lake {
		got := duck.Open(t).Query(t, "SELECT count(DISTINCT DeviceId), count(*) FROM "+duck.Parquet(false, filepath.Join(s.dir, table, "dt=*", "*.parquet")))
		if fmt.Sprint(got.Rows) != "[[40 40]]" {
			t.Errorf("the lake has %v distinct and all rows, want 40", got.Rows)
		}
	}
	parked(t, s, table, begin.Add(large*time.Minute), fmt.Sprint("device-", large))
}

// parked wants one reject in all of the rejects: the event, of this time and key.
func parked(t *testing.T, s sinks, table string, at time.Time, key string) {
	t.Helper()
	meta := filepath.Join(s.dir, "_meta")
	if !s.lake {
		meta = s.state
	}
	files, err := filepath.Glob(filepath.Join(meta, "rejects", table, "*.ndjson"))
	if err != nil || len(files) != 1 {
		t.Fatalf("reject files %v, %v", files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var r struct {
		Sink, Key, Reason string
		Time              time.Time
		Row               struct {
			Category   string
			Properties struct{ DeviceId, InitiatingProcessCommandLine string }
		}
	}
	if err := json.Unmarshal(data, &r); err != nil { // fails on a second line
		t.Fatal(err)
	}
	if r.Sink != "kafka" || r.Key != key || !r.Time.Equal(at) || r.Row.Properties.DeviceId != key || len(r.Row.Properties.InitiatingProcessCommandLine) != 400_000 ||
		r.Row.Category != "AdvancedHunting-"+table || !strings.Contains(r.Reason, "max.message.bytes") {
		t.Errorf("reject %s of %s at %s, sink %q, reason %q", r.Row.Category, r.Key, r.Time, r.Sink, r.Reason)
	}
	manifests, err := filepath.Glob(filepath.Join(meta, "manifests", table, "*.json"))
	if err != nil || len(manifests) < 2 {
		t.Fatalf("manifests %v, %v", manifests, err)
	}
	for _, name := range manifests {
		manifest, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(manifest), filepath.Base(files[0])) != strings.Contains(string(manifest), `"events_rejected": 1`) {
			t.Errorf("manifest %s", manifest)
		}
	}
}

// noise is text that hardly compresses.
func noise(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"[rand.IntN(64)]
	}
	return string(b)
}
