package pipeline_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/pipeline"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/state"
)

// pendingCase is one row of the recovery table: a run of mode first, killed right
// after step, something that happens meanwhile, then a run configured otherwise.
type pendingCase struct {
	name      string
	first     mode
	step      commit.Step
	meanwhile func(w *world)
	then      mode
	change    func(e *pipeline.Exporter)

	refusal   string // the second run's message contains it; empty: it succeeds
	alarm     bool   // exit 1 instead of 2
	unchanged bool   // the refusal comes before acquire: no object differs
	// rows of the first commit that must be visible after the second run
	inLake, inKafka bool
}

var (
	onlyLake, both, leastOnce = modes[0], modes[2], modes[3]

	otherLake    = func(e *pipeline.Exporter) { e.Destinations.Lake = "s3://other" }
	otherTopic   = func(e *pipeline.Exporter) { e.Destinations.Topic = "siem.{table}" }
	otherCluster = func(e *pipeline.Exporter) { e.Destinations.Cluster = "cluster-2" }
)

func setMarker(m *commit.Marker) func(*world) {
	return func(w *world) {
		for _, co := range w.broker {
			co.marker, co.stale = m, m
		}
	}
}

func dropUploads(w *world) { clear(w.uploads) }

// showUploads makes a file visible that no decision covers.
func showForeign(w *world) {
	for _, u := range w.uploads {
		w.lake[u.key] = lakeObject{"somebody else's", nil}
	}
}

func completeUploads(w *world) {
	for id, u := range w.uploads {
		w.show(u)
		delete(w.uploads, id)
	}
}

func replaceUploads(w *world) { showForeign(w); dropUploads(w) }

var recoveryTable = []pendingCase{
	{name: "state decides, Kafka switched on", first: onlyLake, step: commit.StepIntent, then: both, refusal: "state adopt", inLake: true},
	{name: "state decides, Kafka switched off", first: leastOnce, step: commit.StepIntent, then: onlyLake, refusal: "state adopt", inLake: true, inKafka: true},
	{name: "state decides, topic changed", first: leastOnce, step: commit.StepIntent, then: leastOnce, change: otherTopic, refusal: "state adopt", inLake: true, inKafka: true},
	{name: "state decides, delivery changed", first: leastOnce, step: commit.StepIntent, then: both, inLake: true, inKafka: true},
	{name: "state decides, uploads completed", first: onlyLake, step: commit.StepIntent, meanwhile: completeUploads, then: onlyLake, inLake: true},
	{name: "state decides, other lake", first: onlyLake, step: commit.StepIntent, then: onlyLake, change: otherLake, refusal: "s3://lake", unchanged: true},
	{name: "Kafka decides, committed", first: both, step: commit.StepDecide, then: both, inLake: true, inKafka: true},
	{name: "Kafka decides, committed, uploads completed", first: both, step: commit.StepDecide, meanwhile: completeUploads, then: both, inLake: true, inKafka: true},
	{name: "Kafka decides, committed, topic changed", first: both, step: commit.StepDecide, then: both, change: otherTopic, refusal: "state adopt", inLake: true, inKafka: true},
	{name: "Kafka decides, committed, delivery changed", first: both, step: commit.StepDecide, then: leastOnce, inLake: true, inKafka: true},
	{name: "Kafka decides, undecided, uploads open", first: both, step: commit.StepIntent, then: both},
	{name: "Kafka decides, undecided, uploads gone", first: both, step: commit.StepIntent, meanwhile: dropUploads, then: both},
	{name: "Kafka decides, undecided, delivery changed", first: both, step: commit.StepIntent, then: leastOnce},
	{name: "Kafka decides, undecided, a file visible", first: both, step: commit.StepIntent, meanwhile: showForeign, then: both, refusal: "did not take place, yet a file of it is visible", alarm: true},
	{name: "Kafka decides, no marker", first: both, step: commit.StepDecide, meanwhile: setMarker(nil), then: both, refusal: "Kafka shows no marker", alarm: true, inKafka: true},
	{name: "Kafka decides, another marker of the same commit number", first: both, step: commit.StepIntent, meanwhile: setMarker(&commit.Marker{Seq: 1, ID: "feed"}), then: both, refusal: "Kafka shows marker feed", alarm: true},
	{name: "Kafka decides, a later marker", first: both, step: commit.StepIntent, meanwhile: setMarker(&commit.Marker{Seq: 9, ID: "feed"}), then: both, refusal: "neither the commit nor its predecessor", alarm: true},
	{name: "Kafka decides, Kafka off", first: both, step: commit.StepDecide, then: onlyLake, refusal: "a commit waits for Kafka", unchanged: true, inKafka: true},
	{name: "Kafka decides, other cluster", first: both, step: commit.StepDecide, then: both, change: otherCluster, refusal: "a commit waits for Kafka", unchanged: true, inKafka: true},
	{name: "Kafka decides, other lake", first: both, step: commit.StepDecide, then: both, change: otherLake, refusal: "s3://other", unchanged: true, inKafka: true},
	{name: "decided, object of other content", first: onlyLake, step: commit.StepIntent, meanwhile: replaceUploads, then: onlyLake, refusal: "somebody else writes these keys", alarm: true},
	{name: "decided, upload gone and no object", first: onlyLake, step: commit.StepIntent, meanwhile: dropUploads, then: onlyLake, refusal: "upload is gone", alarm: true},
	{name: "nothing pending, Kafka switched on", first: onlyLake, step: commit.StepFinish, then: both, refusal: "state adopt", unchanged: true, inLake: true},
	{name: "nothing pending, Kafka switched off", first: both, step: commit.StepFinish, then: onlyLake, refusal: "state adopt", unchanged: true, inLake: true, inKafka: true},
	{name: "nothing pending, other lake", first: both, step: commit.StepFinish, then: both, change: otherLake, refusal: "state adopt", unchanged: true, inLake: true, inKafka: true},
	{name: "nothing pending, delivery changed", first: both, step: commit.StepFinish, then: leastOnce, inLake: true, inKafka: true},
	{name: "nothing pending, state restored from a backup", first: both, step: commit.StepFinish, meanwhile: setMarker(&commit.Marker{Seq: 4, ID: "feed"}), then: both, refusal: "restored from a backup", alarm: true, inLake: true, inKafka: true},
	{name: "nothing pending, marker expired", first: both, step: commit.StepFinish, meanwhile: setMarker(nil), then: both, inLake: true, inKafka: true},
}

func TestRecoveryTable(t *testing.T) {
	for _, tc := range recoveryTable {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, tc.run)
		})
	}
}

func (tc pendingCase) run(t *testing.T) {
	w := newWorld(1, 70)
	w.atLeast = tc.first.least || tc.then.least
	killAfter(t, tc.first, w, tc.step, 1)
	time.Sleep(2 * lease)
	if tc.meanwhile != nil {
		tc.meanwhile(w)
	}
	before := maps.Clone(w.objects)
	e := tc.then.exporter(w, &client{w: w}, "second")
	if tc.change != nil {
		tc.change(e)
	}
	r := export(t.Context(), e)
	if tc.refusal == "" {
		if r.Err != nil {
			t.Fatalf("second run: %v", r.Err)
		}
		w.check(t, tc.then)
		return
	}
	var refusal *hunting.RefusalError
	if !errors.As(r.Err, &refusal) || !strings.Contains(r.Err.Error(), tc.refusal) {
		t.Fatalf("second run ended with %v, want a refusal with %q", r.Err, tc.refusal)
	}
	if refusal.Alarm != tc.alarm {
		t.Errorf("alarm is %t: %v", refusal.Alarm, refusal)
	}
	if tc.unchanged && !maps.EqualFunc(before, w.objects, func(a, b object) bool { return a.etag == b.etag }) {
		t.Error("the refusal changed something")
	}
	if tc.alarm && strings.Contains(tc.name, "decide") && w.state(t).Pending == nil {
		t.Error("the pending commit is gone after an alarm")
	}
	w.checkFirst(t, tc)
}

// checkFirst checks that the first commit's rows are visible where they must be, and
// no row at all elsewhere.
func (w *world) checkFirst(t *testing.T, tc pendingCase) {
	t.Helper()
	for _, f := range w.faults {
		t.Error(f)
	}
	rows := 0
	for _, o := range w.lake {
		rows += len(o.rows)
	}
	if (rows > 0) != tc.inLake {
		t.Errorf("lake shows %d rows, want some: %t", rows, tc.inLake)
	}
	if (len(w.kafka) > 0) != tc.inKafka {
		t.Errorf("Kafka shows %d rows, want some: %t", len(w.kafka), tc.inKafka)
	}
}

func (w *world) state(t *testing.T) state.Document {
	t.Helper()
	var doc state.Document
	if err := json.Unmarshal(w.objects["state/"+state.Key(dataset)].data, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestAnotherMarkerOfANewerRun: a recoverer that was overtaken ends in peace.
func TestAnotherMarkerOfANewerRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 70)
		killAfter(t, both, w, commit.StepDecide, 1)
		time.Sleep(2 * lease)
		c := &client{w: w}
		e := both.exporter(w, c, "slow")
		fenced := 0
		e.AfterStep = func(s commit.Step) {
			if fenced++; s == commit.StepLook && fenced < 10 {
				fenced = 10
				c.sleep(2 * lease) // meanwhile others finish everything
			}
		}
		slow := make(chan pipeline.Result)
		go func() { slow <- export(t.Context(), e) }()
		time.Sleep(lease + time.Second)
		if r := export(t.Context(), both.exporter(w, &client{w: w}, "quick")); r.Err != nil {
			t.Fatal(r.Err)
		}
		var lost *state.LostError
		if r := <-slow; !errors.As(r.Err, &lost) || lost.Run != "quick" {
			t.Errorf("slow run ended with %v", r.Err)
		}
		w.check(t, both)
	})
}

// TestUploadCompletedMeanwhile: the upload of a decided commit is gone because
// another process is completing it.
func TestUploadCompletedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 70)
		killAfter(t, onlyLake, w, commit.StepIntent, 1)
		taken := maps.Clone(w.uploads)
		clear(w.uploads)
		time.AfterFunc(2*lease+10*time.Minute, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, u := range taken {
				w.show(u)
			}
		})
		time.Sleep(2 * lease)
		onlyLake.quiet(t, w)
	})
}

// TestLostIntentIsNeverCleanedUp: the intent arrives but its answer does not, and a
// newer run sees it before its own writer does.
func TestLostIntentIsNeverCleanedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 70)
		c := &client{w: w}
		intents := 0
		c.beforePut = func(key string, data []byte, apply func()) error {
			if key != "state/"+state.Key(dataset) || !strings.Contains(string(data), `"pending"`) || intents > 0 {
				return nil
			}
			intents++
			apply()
			time.Sleep(2 * lease)
			killAfter(t, onlyLake, w, commit.StepLook, 1) // takes over and dies
			return errLost
		}
		var lost *state.LostError
		if r := export(t.Context(), onlyLake.exporter(w, c, "first")); !errors.As(r.Err, &lost) {
			t.Fatalf("first run ended with %v", r.Err)
		}
		time.Sleep(2 * lease)
		onlyLake.quiet(t, w)
	})
}

// TestTamperedIntent: a changed body is noticed before anything is done with it.
func TestTamperedIntent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 70)
		killAfter(t, onlyLake, w, commit.StepIntent, 1)
		key := "state/" + w.state(t).Pending.Body
		w.objects[key] = object{[]byte(strings.Replace(string(w.objects[key].data), dataset, "DeviceInfo", 1)), "x"}
		time.Sleep(2 * lease)
		r := export(t.Context(), onlyLake.exporter(w, &client{w: w}, "second"))
		var refusal *hunting.RefusalError
		if !errors.As(r.Err, &refusal) || !refusal.Alarm || len(w.lake) != 0 {
			t.Errorf("got %v, %d files visible", r.Err, len(w.lake))
		}
	})
}

// TestRejectsOfTwoAttempts: what a dead attempt rejected neither stops nor replaces
// what the next one rejects.
func TestRejectsOfTwoAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 70)
		reject := func(e *pipeline.Exporter) *pipeline.Exporter {
			e.Transformer = transformer{rejectEvery: 10}
			return e
		}
		c := &client{w: w}
		e := reject(onlyLake.exporter(w, c, "first"))
		e.AfterStep = func(s commit.Step) {
			c.w.mu.Lock()
			defer c.w.mu.Unlock()
			c.dead = c.dead || s == commit.StepPrepare
		}
		export(t.Context(), e)
		time.Sleep(2 * lease)
		e = reject(onlyLake.exporter(w, &client{w: w}, "second"))
		e.Limits.Rows = 1000
		r := export(t.Context(), e)
		if r.Err != nil || r.Rows+r.Rejected != 70 || r.Rejected != 7 {
			t.Fatalf("rows %d, rejected %d, error %v", r.Rows, r.Rejected, r.Err)
		}
		var m commit.Manifest
		if err := json.Unmarshal(w.objects[fmt.Sprintf("meta/manifests/%s/%d.json", dataset, 1)].data, &m); err != nil {
			t.Fatal(err)
		}
		lines := 0
		for _, key := range m.Rejects {
			lines += strings.Count(string(w.objects["meta/"+key].data), "\n")
		}
		if lines != 7 {
			t.Errorf("the manifest's rejects hold %d rows, want 7", lines)
		}
	})
}

// TestOnlyRejects: a page of which nothing but rejects is left has no record.
func TestOnlyRejects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 70)
		e := both.exporter(w, &client{w: w}, "run")
		e.Transformer = transformer{rejectEvery: 1}
		if r := export(t.Context(), e); r.Err != nil || r.Rows != 0 || r.Rejected != 70 {
			t.Errorf("rows %d, rejected %d, error %v", r.Rows, r.Rejected, r.Err)
		}
	})
}

// all accepts everything as it is configured.
func all(e *pipeline.Exporter, ds hunting.Dataset) commit.Adopting {
	return commit.Adopting{
		Wanted: func(state.Document) (state.Destinations, state.Meaning) {
			return e.Destinations, commit.MeaningOf(e.Meaning, ds)
		},
		Agree: func([]state.Change) error { return nil },
	}
}

// TestByHand: a person resolves what recovery refuses, and adopts destinations.
func TestByHand(t *testing.T) {
	for _, committed := range []bool{true, false} {
		t.Run(fmt.Sprintf("committed %t", committed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(1, 70)
				step := commit.StepIntent
				if committed {
					step = commit.StepDecide
				}
				killAfter(t, both, w, step, 1)
				time.Sleep(2 * lease)
				person := both.exporter(w, &client{w: w}, "person")
				var refusal *hunting.RefusalError
				if err := person.Resolve(t.Context(), ds, !committed); !errors.As(err, &refusal) {
					t.Errorf("the marker tells, yet resolve gave %v", err)
				}
				setMarker(nil)(w)
				if err := person.Resolve(t.Context(), ds, committed); err != nil {
					t.Fatal(err)
				}
				both.quiet(t, w)
			})
		})
	}
	t.Run("a file is gone", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(1, 70)
			killAfter(t, both, w, commit.StepDecide, 1)
			time.Sleep(2 * lease)
			dropUploads(w)
			sent := len(w.kafka)
			person := both.exporter(w, &client{w: w}, "person")
			var refusal *hunting.RefusalError
			if err := person.Resolve(t.Context(), ds, false); !errors.As(err, &refusal) {
				t.Errorf("Kafka has the rows, yet they were dropped: %v", err)
			}
			if err := person.Resolve(t.Context(), ds, true); err != nil {
				t.Fatal(err)
			}
			r := export(t.Context(), both.exporter(w, &client{w: w}, "next"))
			if r.Err != nil || len(w.kafka) != 70 || r.Rows != int64(70-sent) || len(w.faults) > 0 {
				t.Errorf("%d rows in Kafka, %d of %d after the lost ones, %v, %v", len(w.kafka), r.Rows, 70-sent, r.Err, w.faults)
			}
		})
	})
	t.Run("adopt", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(1, 70)
			onlyLake.quiet(t, w)
			w.truth = 140
			e := both.exporter(w, &client{w: w}, "person")
			if err := e.Adopt(t.Context(), ds, all(e, ds)); err != nil {
				t.Fatal(err)
			}
			if r := export(t.Context(), both.exporter(w, &client{w: w}, "next")); r.Err != nil || len(w.kafka) != 70 {
				t.Errorf("%d rows in Kafka, error %v", len(w.kafka), r.Err)
			}
			w.check(t, onlyLake)
		})
	})
}
