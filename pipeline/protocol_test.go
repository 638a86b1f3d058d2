package pipeline_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/pipeline"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/state"
)

// mode is a combination of sinks.
type mode struct {
	name               string
	lake, kafka, least bool
}

var modes = []mode{
	{name: "lake", lake: true},
	{name: "kafka", kafka: true},
	{name: "both", lake: true, kafka: true},
	{name: "both at least once", lake: true, kafka: true, least: true},
}

const (
	dataset = "DeviceEvents"
	cluster = "cluster-1"
	lakeURL = "s3://lake"
	lease   = time.Minute
)

func (m mode) destinations() state.Destinations {
	var d state.Destinations
	if m.lake {
		d.Lake = lakeURL
	}
	if m.kafka {
		d.Cluster, d.Topic = cluster, "defender.{table}"
	}
	return d
}

// exporter is one run's process, with its own client.
func (m mode) exporter(w *world, c *client, name string) *pipeline.Exporter {
	meta := objects{c, "meta/"}
	e := &pipeline.Exporter{
		Protocol: commit.Protocol{
			Run: name, Version: "test",
			Stores: commit.Stores{
				State: state.NewStore(objects{c, "state/"}, state.LockCAS, lease), Intents: objects{c, "state/"}, Meta: meta,
			},
			Destinations: m.destinations(), AtLeastOnce: m.least,
			Log: slog.New(listener{w}),
		},
		Source: fakeSource{w: w, page: 7 * time.Second}, Transformer: transformer{rejectEvery: w.reject, name: w.column},
		Limits:  pipeline.Limits{Rows: 20, Interval: time.Hour, Buffer: 2},
		Start:   func() time.Time { return origin },
		Horizon: func() time.Time { return secondOf(w.truth) },
	}
	if m.lake {
		e.Publishers = []commit.Publisher{lake{c}}
	}
	if m.kafka {
		e.OpenDecider = func(_ context.Context, _ hunting.Dataset, id string) (commit.Decider, error) {
			return &kafkaLog{c: c, id: id, cluster: cluster, atLeast: m.least}, nil
		}
	}
	return e
}

// column is the name under which the row's column is answered.
func (w *world) column(row int) string {
	if w.flip {
		return fmt.Sprint("Row", row/17%2)
	}
	return "Row"
}

var ds = hunting.Dataset{Name: dataset, Clock: hunting.ClockIngestion}

func export(ctx context.Context, e *pipeline.Exporter) pipeline.Result {
	return e.Export(ctx, context.Background(), []hunting.Dataset{ds})[0]
}

// quiet runs without faults until caught up, and checks that every sink equals the truth.
func (m mode) quiet(t *testing.T, w *world) {
	t.Helper()
	w.deliverLate(true)
	for i := range 6 {
		r := export(t.Context(), m.exporter(w, &client{w: w}, fmt.Sprint("quiet-", i)))
		var held *state.HeldError
		var large *pipeline.TooLargeError
		if r.Err != nil && !errors.As(r.Err, &held) && !errors.As(r.Err, &large) {
			t.Fatalf("quiet run: %v", r.Err)
		}
		if (r.Err != nil) != (r.EventsRejected > 0) && held == nil {
			t.Errorf("%d events are rejected, and the run ends with %v", r.EventsRejected, r.Err)
		}
		if held == nil && !r.Watermark.Before(secondOf(w.truth)) {
			break
		}
		time.Sleep(2 * lease) // in virtual time
	}
	w.check(t, m)
}

func (w *world) check(t *testing.T, m mode) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.faults {
		t.Error(f)
	}
	inLake := map[int]int{}
	for _, o := range w.lake {
		for _, r := range o.rows {
			inLake[r]++
		}
	}
	for r := range w.truth {
		if w.reject > 0 && r%w.reject == 0 {
			if inLake[r]+w.kafka[r] > 0 {
				t.Errorf("row %d was rejected and is there", r)
			}
			continue
		}
		if m.lake && inLake[r] != 1 {
			t.Errorf("lake: row %d is there %d times", r, inLake[r])
		}
		if w.large > 0 && r%w.large == 0 {
			if n := w.parked(t)[r]; m.kafka && (n != 1 || w.kafka[r] > 0) {
				t.Errorf("kafka: row %d is too large, is in the rejects %d times and in Kafka %d times", r, n, w.kafka[r])
			}
			continue
		}
		if n := w.kafka[r]; m.kafka && (n == 0 || n > 1 && !m.least) {
			t.Errorf("kafka: row %d is there %d times", r, n)
		}
	}
}

// parked is how often each row is among the events that Kafka's rejects hold, of the
// commits that took place.
func (w *world) parked(t *testing.T) map[int]int {
	found := map[int]int{}
	for key, o := range w.objects {
		if !strings.HasPrefix(key, "meta/manifests/") {
			continue
		}
		var m commit.Manifest
		if err := json.Unmarshal(o.data, &m); err != nil {
			t.Fatal(err)
		}
		var refused int64
		for _, name := range m.Rejects {
			for d := json.NewDecoder(bytes.NewReader(w.objects["meta/"+name].data)); d.More(); {
				var r hunting.Reject
				if err := d.Decode(&r); err != nil {
					t.Fatal(err)
				}
				row, err := strconv.Atoi(string(r.Row))
				if err != nil {
					t.Fatal(err)
				}
				if r.Sink != "" {
					found[row]++
					refused++
				}
			}
		}
		if m.EventsRejected != refused || w.large > 0 && m.Topic != "" && m.Events+refused != m.Rows {
			t.Errorf("%s: %d events and %d rejected of %d rows; the rejects hold %d", key, m.Events, m.EventsRejected, m.Rows, refused)
		}
	}
	return found
}

var (
	seeds = flag.Int("seeds", 150, "random schedules a mode")
	first = flag.Int("first", 0, "first seed")
)

// TestRandomSchedules lets overlapping runs crash, pause and lose answers at random,
// then runs until quiet: each sink must equal the truth, and nothing undecided or
// repeated may have been visible at any moment.
func TestRandomSchedules(t *testing.T) {
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			for seed := *first; seed < *first+*seeds; seed++ {
				synctest.Test(t, func(t *testing.T) { schedule(t, m, uint64(seed)) })
				if t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
		})
	}
}

func schedule(t *testing.T, m mode, seed uint64) {
	w := newWorld(seed, 60+int(seed%50))
	w.atLeast, w.reject, w.flip, w.large = m.least, int(seed%4), seed%3 == 0, int(seed%5*3)
	rng := rand.New(rand.NewPCG(seed, 1))
	done := make(chan struct{})
	runs := 3 + rng.IntN(6)
	for i := range runs {
		start := time.Duration(rng.IntN(6)) * 30 * time.Second
		c := &client{w: w, before: rng.Float64() * 0.05, after: rng.Float64() * 0.06, delayed: rng.Float64() * 0.06}
		if rng.IntN(3) == 0 {
			c.pause = 0.03
		}
		if rng.IntN(2) == 0 {
			c.dieAt = 1 + rng.IntN(80)
		}
		pauses := rand.New(rand.NewPCG(seed, uint64(100+i)))
		go func() {
			defer func() { done <- struct{}{} }()
			time.Sleep(start)
			e := m.exporter(w, c, fmt.Sprint("run-", i))
			e.AfterStep = func(commit.Step) {
				if pauses.IntN(8) == 0 {
					c.sleep(time.Duration(pauses.IntN(180)) * time.Second)
				}
				w.deliverLate(false)
			}
			export(t.Context(), e)
		}()
	}
	for range runs {
		<-done
	}
	m.quiet(t, w)
}

// TestKilledAfterEachStep kills a run right after each step, in every mode, and
// lets the next ones finish.
func TestKilledAfterEachStep(t *testing.T) {
	steps := []commit.Step{
		commit.StepAcquire, commit.StepFence, commit.StepLook, commit.StepMarker, commit.StepRecover, commit.StepBase,
		commit.StepSweep, commit.StepWrite, commit.StepPrepare, commit.StepIntent, commit.StepDecide, commit.StepPublish, commit.StepFinish,
	}
	for _, m := range modes {
		for _, step := range steps {
			t.Run(m.name+"/"+string(step), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(1, 70)
					w.atLeast = m.least
					for nth := 1; nth <= 3; nth++ {
						killAfter(t, m, w, step, nth)
						time.Sleep(2 * lease)
					}
					m.quiet(t, w)
				})
			})
		}
	}
}

// killAfter runs and kills the process when it reaches the step for the nth time.
func killAfter(t *testing.T, m mode, w *world, step commit.Step, nth int) {
	t.Helper()
	c := &client{w: w}
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	e := m.exporter(w, c, fmt.Sprint("killed-", nth))
	e.AfterStep = func(s commit.Step) {
		if s != step {
			return
		}
		if nth--; nth == 0 {
			w.mu.Lock()
			c.dead = true
			w.mu.Unlock()
			kill()
		}
	}
	export(ctx, e)
}

// TestStartedTogether: of runs started at once one works, the others say who.
func TestStartedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := modes[2]
		for round := range 20 {
			w := newWorld(uint64(round), 80)
			results := make(chan pipeline.Result)
			for i := range 5 {
				go func() { results <- export(t.Context(), m.exporter(w, &client{w: w}, fmt.Sprint("run-", i))) }()
			}
			worked := 0
			for range 5 {
				r := <-results
				var held *state.HeldError
				switch {
				case r.Err == nil:
					worked++
				case !errors.As(r.Err, &held) || held.Run == "":
					t.Errorf("loser ended with %v", r.Err)
				}
			}
			if worked == 0 {
				t.Error("nobody worked")
			}
			w.check(t, m)
		}
	})
}
