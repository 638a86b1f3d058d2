package pipeline_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/pipeline"
)

// outOfReach is a source that counts nothing since it cannot be reached.
type outOfReach struct{ fakeSource }

func (outOfReach) Count(context.Context, hunting.Counting) ([]hunting.Count, error) {
	return nil, hunting.ErrUnreachable
}

// TestNothingIsReadFromAnAPIOutOfReach: other failures of counts let reading go on.
func TestNothingIsReadFromAnAPIOutOfReach(t *testing.T) {
	w := newWorld(1, 70)
	e := onlyLake.exporter(w, &client{w: w}, "run")
	e.Limits.Reconcile = time.Hour
	e.Source = outOfReach{fakeSource{w: w, page: 7 * time.Second, fail: func(hunting.Window) error {
		t.Error("rows are read")
		return hunting.ErrUnreachable
	}}}
	if r := e.Export(t.Context(), t.Context(), []hunting.Dataset{ds})[0]; !errors.Is(r.Err, hunting.ErrUnreachable) {
		t.Errorf("ended with %v", r.Err)
	}
}

// TestCausesOfCountsAreToldOnce: all counts of a run fail for the same reason.
func TestCausesOfCountsAreToldOnce(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.add(5, l.at(time.Minute), time.Time{})
		time.Sleep(2 * quarter)
		l.run()
		time.Sleep(quarter)
		l.change = func(e *pipeline.Exporter) { e.Source = outOfReach{} }
		if err := l.try().Err; err == nil || strings.Count(err.Error(), hunting.ErrUnreachable.Error()) != 1 {
			t.Errorf("ended with %v", err)
		}
	})
}
