package pipeline_test

import (
	"encoding/json"
	"errors"
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

// secondDeployment keeps its own state of a dataset in the same lake.
func secondDeployment(c *client) *pipeline.Exporter {
	e := onlyLake.exporter(c.w, c, "second deployment")
	e.Stores.State = state.NewStore(objects{c, "second/"}, state.LockCAS, lease)
	return e
}

// refused fails unless err is a refusal with exit 2 that says so.
func refused(t *testing.T, err error, says string) {
	t.Helper()
	var refusal *hunting.RefusalError
	if !errors.As(err, &refusal) || refusal.Alarm || !strings.Contains(err.Error(), says) {
		t.Errorf("got %v, want a refusal with %q", err, says)
	}
}

// TestTwoStatesOneLake: a second deployment with a state of its own is refused, also if
// it looked before the first one began.
func TestTwoStatesOneLake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 70)
		e := secondDeployment(&client{w: w})
		e.AfterStep = func(s commit.Step) {
			if s == commit.StepAcquire {
				onlyLake.quiet(t, w)
			}
		}
		refused(t, export(t.Context(), e).Err, "another state document")
		time.Sleep(2 * lease)
		refused(t, export(t.Context(), secondDeployment(&client{w: w})).Err, "another state document")
		w.check(t, onlyLake)
	})
}

// unchangedBy fails if do changes any object.
func unchangedBy(t *testing.T, w *world, do func()) {
	t.Helper()
	before := maps.Clone(w.objects)
	do()
	if !maps.EqualFunc(before, w.objects, func(a, b object) bool { return a.etag == b.etag }) {
		t.Error("something was changed")
	}
}

// TestLakeWithoutState: a dataset without state whose place in the lake is taken is not
// begun, whatever of _meta is gone; a person may say from where on it is.
func TestLakeWithoutState(t *testing.T) {
	for _, root := range []string{"state/", "state/ meta/"} {
		t.Run(root, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(1, 70)
				onlyLake.quiet(t, w)
				maps.DeleteFunc(w.objects, func(key string, _ object) bool {
					return strings.HasPrefix(key, "state/") || strings.Contains(root, "meta/") && strings.HasPrefix(key, "meta/")
				})
				w.truth = 140
				e := onlyLake.exporter(w, &client{w: w}, "next")
				unchangedBy(t, w, func() {
					refused(t, export(t.Context(), e).Err, "state adopt DeviceEvents --start")
					refused(t, e.Adopt(t.Context(), ds, all(e, ds)), "--start")
				})
				begin := all(e, ds)
				begin.Start, begin.Seq = secondOf(70), 4
				if err := e.Adopt(t.Context(), ds, begin); err != nil {
					t.Fatal(err)
				}
				refused(t, e.Adopt(t.Context(), ds, begin), "has a state")
				onlyLake.quiet(t, w)
				if doc := w.state(t); doc.Seq <= 4 {
					t.Errorf("the new state's commits begin with %d, where manifests are", doc.Seq)
				}
			})
		})
	}
}

// TestStateWithoutLake: a lake that lacks what the state says it had is not written to.
func TestStateWithoutLake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 70)
		onlyLake.quiet(t, w)
		maps.DeleteFunc(w.objects, func(key string, _ object) bool { return strings.HasPrefix(key, "meta/") })
		w.truth = 140
		e := onlyLake.exporter(w, &client{w: w}, "next")
		unchangedBy(t, w, func() { refused(t, export(t.Context(), e).Err, "the lake was emptied") })
		if err := e.Adopt(t.Context(), ds, all(e, ds)); err != nil {
			t.Fatal(err)
		}
		onlyLake.quiet(t, w)
	})
}

// TestStateOlderThanItsLake: a state from a backup, or a copy that stood still, writes
// nothing: what came after it would be exported again. A dry run refuses it as well.
func TestStateOlderThanItsLake(t *testing.T) {
	for _, step := range []commit.Step{commit.StepFinish, commit.StepIntent} { // with nothing pending, with a commit
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(1, 70)
			killAfter(t, onlyLake, w, step, 2)
			time.Sleep(2 * lease)
			key := "state/" + state.Key(dataset)
			old := w.objects[key]
			w.truth = 140
			onlyLake.quiet(t, w)
			newest := w.objects[key]
			w.objects[key] = old
			e := onlyLake.exporter(w, &client{w: w}, "next")
			unchangedBy(t, w, func() {
				refused(t, export(t.Context(), e).Err, "restored from a backup")
				refused(t, e.Fits(t.Context(), ds, w.state(t)), "restored from a backup")
			})
			w.objects[key] = newest
			w.truth = 210
			onlyLake.quiet(t, w)
		})
	}
}

// TestStateThatMovesOn: a run that looks while another one commits takes it for no backup.
func TestStateThatMovesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 70)
		killAfter(t, onlyLake, w, commit.StepFinish, 1)
		time.Sleep(2 * lease)
		before := w.state(t)
		onlyLake.quiet(t, w)
		err := onlyLake.exporter(w, &client{w: w}, "next").Fits(t.Context(), ds, before)
		var refusal *hunting.RefusalError
		if err == nil || errors.As(err, &refusal) {
			t.Errorf("got %v, want to be told to look again", err)
		}
	})
}

// TestAdoptsAfterTheLastManifest: a state that takes over another's place in the lake goes
// on after the other's commits.
func TestAdoptsAfterTheLastManifest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 70)
		onlyLake.quiet(t, w)
		w.objects["meta/owner/"+dataset+".json"] = object{[]byte(`{"state":"another"}`), "o"}
		e := onlyLake.exporter(w, &client{w: w}, "next")
		a := all(e, ds)
		a.Seq = w.state(t).Seq + 5
		if err := e.Adopt(t.Context(), ds, a); err != nil {
			t.Fatal(err)
		}
		if doc := w.state(t); doc.Seq != a.Seq || doc.Adopted[0].Seq != a.Seq+1 {
			t.Errorf("commits go on after %d, the lake has %d; noted from %d on", doc.Seq, a.Seq, doc.Adopted[0].Seq)
		}
		w.truth = 140
		onlyLake.quiet(t, w)
	})
}

// TestMeaningIsTakenOver: a state that an earlier version wrote records whose rows it has
// at its first run, and refuses others from then on; a pending commit is settled first.
func TestMeaningIsTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 70)
		of := func(tenant string) *pipeline.Exporter {
			e := onlyLake.exporter(w, &client{w: w}, tenant)
			e.Meaning.Tenant = tenant
			return e
		}
		killAfter(t, onlyLake, w, commit.StepIntent, 2)
		time.Sleep(2 * lease)
		for key, o := range w.objects {
			if key == "state/"+state.Key(dataset) {
				var doc map[string]any
				if err := json.Unmarshal(o.data, &doc); err != nil {
					t.Fatal(err)
				}
				delete(doc, "meaning")
				o.data, _ = json.Marshal(doc)
				w.objects[key] = o
			}
		}
		if r := export(t.Context(), of("a")); r.Err != nil {
			t.Fatal(r.Err)
		}
		if m := w.state(t).Meaning; m.Tenant != "a" || m.Kind != state.KindTable {
			t.Errorf("the state records %+v", m)
		}
		unchangedBy(t, w, func() { refused(t, export(t.Context(), of("b")).Err, "a → b") })
		w.check(t, onlyLake)
	})
}

// TestMeaningWithPendingCommit: what waits is settled as it was recorded, whatever rows
// this run would read; then it refuses.
func TestMeaningWithPendingCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 70)
		killAfter(t, both, w, commit.StepDecide, 1)
		time.Sleep(2 * lease)
		e := both.exporter(w, &client{w: w}, "query")
		query := ds
		query.Query, query.Fingerprint = "T", "feed"
		refused(t, e.Export(t.Context(), t.Context(), []hunting.Dataset{query})[0].Err, "table → query")
		if doc := w.state(t); doc.Pending != nil || doc.Seq != 1 {
			t.Errorf("the commit was not settled: %+v", doc)
		}
		time.Sleep(2 * lease)
		both.quiet(t, w)
	})
}
