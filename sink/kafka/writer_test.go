package kafka_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hunting-exporter/pipeline/commit"
	"hunting-exporter/schema"
	"hunting-exporter/sink/event"
	"hunting-exporter/sink/kafka"
)

func TestRecordTimestamp(t *testing.T) {
	for _, c := range []struct {
		name        string
		event, want time.Time
	}{
		{"recent", late.Add(-time.Minute), late.Add(-time.Minute)},
		{"old: retention counts from it", late.Add(-20 * 24 * time.Hour), late},
		{"future: refused by brokers", late.Add(2 * time.Hour), late},
		{"year 1", time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), late},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := kafka.Timestamp(schema.ToTicks(c.event), schema.ToTicks(late)); got != c.want.UnixMilli() {
				t.Errorf("timestamp = %s, want %s", time.UnixMilli(got).UTC(), c.want)
			}
		})
	}
}

// list is a format of up to most rows an event, which has the time and key of the first.
type list struct {
	event.Format
	most int
}

func (l list) Add(e *event.Event, row int) bool {
	first := len(e.Value) == 0
	var one event.Event
	l.Format.Add(&one, row)
	name := between(string(one.Value), `"ActionType":"`, `"`)
	if first {
		e.Time = one.Time
	}
	e.Value = fmt.Appendf(e.Value, "%s %s\n", name, between(string(one.Value), `"Text":"`, `"`))
	return strings.Count(string(e.Value), "\n") < l.most
}

func (l list) End(e *event.Event) {
	e.Headers = []event.Header{{Key: "rows", Value: fmt.Append(nil, strings.Count(string(e.Value), "\n"))}}
	e.Value = append(e.Value, "end"...)
}

// TestRowsThatShareARecord: rows of one partition and of several batches share a record until
// the format or the topic's limit ends it; none is lost or repeated, and their order stays.
func TestRowsThatShareARecord(t *testing.T) {
	const rows, most, size = 500, 7, 18_000
	brokers, _ := limited(t, "100000")
	c := connect(t, config(t, brokers))
	f, err := event.New(event.Record, devices, tenant)
	must(t, err)
	c.SetFormat(list{f, most})
	l := open(t, c)
	must(t, l.Fence(t.Context()))
	a := attempt(1)
	w, err := l.Begin(a, keep(t))
	must(t, err)
	defer func() { _ = w.Close() }()
	text := noise(size)
	for i := range rows {
		b := oneRow(time.Now().Add(time.Duration(i-rows)*time.Second), fmt.Sprintf("device-%d", i%5), fmt.Sprint(i), text[:i*size/rows])
		must(t, w.Write(t.Context(), b))
		b.Release()
	}
	must(t, w.Send(t.Context()))
	must(t, w.Decide(t.Context(), commit.Marker{Seq: a.Seq, ID: a.ID}))

	var got []string
	var records, short int64
	last := map[int]int{} // of a device: its newest row
	for _, r := range fetch(t, brokers) {
		records++
		list := strings.Split(string(r.Value), "\n")
		if list[len(list)-1] != "end" || len(r.Headers) != 1 || string(r.Headers[0].Value) != fmt.Sprint(len(list)-1) || len(list)-1 > most {
			t.Fatalf("a record of %d rows with headers %v ends with %q", len(list)-1, r.Headers, list[len(list)-1])
		}
		if len(list)-1 < most {
			short++
		}
		for i, entry := range list[:len(list)-1] {
			name, _, _ := strings.Cut(entry, " ")
			got = append(got, name)
			var n int
			_, err := fmt.Sscan(name, &n)
			must(t, err)
			if before, ok := last[n%5]; ok && before > n {
				t.Errorf("row %d of a device comes before row %d", before, n)
			}
			last[n%5] = n
			if key := fmt.Sprintf("device-%d", n%5); i == 0 && string(r.Key) != key {
				t.Errorf("key %s of a record that begins with a row of %s", r.Key, key)
			}
		}
	}
	var want []string
	for i := range rows {
		want = append(want, fmt.Sprint(i))
	}
	slices.Sort(got)
	if diff := cmp.Diff(sorted(want), got); diff != "" {
		t.Errorf("visible rows (-want +got):\n%s", diff)
	}
	if w.Events() != records || short <= 2 { // one is the last of each partition
		t.Errorf("%d events counted, %d seen, %d with fewer than %d rows", w.Events(), records, short, most)
	}
}
