package pipeline_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/stopping"
	"hunting-exporter/pipeline"
	"hunting-exporter/pipeline/commit"
)

// dropsOwn is a lake that loses its uploads right before they are published.
type dropsOwn struct{ lake }

func (l dropsOwn) Publish(ctx context.Context, dataset string, receipt json.RawMessage) error {
	l.c.w.mu.Lock()
	dropUploads(l.c.w)
	l.c.w.mu.Unlock()
	return l.lake.Publish(ctx, dataset, receipt)
}

// TestPatienceWithGoneUploads: how long a run waits for somebody else's Complete. It is
// short where nobody else can be at it and Kafka has no rows of the commit.
func TestPatienceWithGoneUploads(t *testing.T) {
	const short, long = 2 * time.Minute, 15 * time.Minute
	for _, c := range []struct {
		name        string
		mode        mode
		step        commit.Step   // after which an earlier run is killed; empty: none is
		age         time.Duration // of its intent
		least, most time.Duration
	}{
		{"own commit", onlyLake, "", 0, 0, short},
		{"of a run that may still be alive", onlyLake, commit.StepIntent, 2 * lease, long, long + short},
		{"of a run of long ago", onlyLake, commit.StepIntent, time.Hour, 0, short},
		{"own commit, Kafka has its rows", leastOnce, "", 0, long, long + short},
		{"of long ago, Kafka has its rows", both, commit.StepDecide, time.Hour, long, long + short},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(1, 70)
				w.atLeast = c.mode.least
				cl := &client{w: w}
				e := c.mode.exporter(w, cl, "second")
				if c.step == "" {
					e.Publishers = []commit.Publisher{dropsOwn{lake{cl}}}
				} else {
					killAfter(t, c.mode, w, c.step, 1)
					dropUploads(w)
					time.Sleep(c.age)
				}
				began := time.Now()
				r := export(t.Context(), e)
				var refusal *hunting.RefusalError
				if !errors.As(r.Err, &refusal) || !refusal.Alarm {
					t.Errorf("ended with %v, want an alarm", r.Err)
				}
				if took := time.Since(began); took < c.least || took > c.most {
					t.Errorf("waited %s, want %s to %s", took, c.least, c.most)
				}
			})
		})
	}
}

// TestStopEndsTheWaitForGoneUploads: at once, as a failure, with the commit still pending.
func TestStopEndsTheWaitForGoneUploads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 70)
		killAfter(t, both, w, commit.StepDecide, 1)
		time.Sleep(2 * lease)
		dropUploads(w)
		stop, ask := context.WithCancel(t.Context())
		const after = 100 * time.Second
		time.AfterFunc(after, ask)
		began := time.Now()
		e := both.exporter(w, &client{w: w}, "second")
		r := e.Export(stopping.With(t.Context(), stop), stop, []hunting.Dataset{ds})[0]
		if took := time.Since(began); took != after {
			t.Errorf("ended after %s, want %s", took, after)
		}
		if !errors.Is(r.Err, commit.ErrUploadGone) || errors.Is(r.Err, pipeline.ErrStopped) {
			t.Errorf("ended with %v", r.Err)
		}
		if w.state(t).Pending == nil {
			t.Error("the commit is not pending any more")
		}
	})
}
