package pipeline_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"hunting-exporter/hunting"
)

// slicedSource hands one part over in two pages.
type slicedSource struct{ fakeSource }

func (s slicedSource) Read(_ context.Context, q hunting.Reading, emit func(hunting.Page) error) error {
	for _, part := range q.Parts {
		if err := emit(more(pageOf(part, 1, 2))); err != nil {
			return err
		}
		if err := emit(pageOf(part, 18, 19)); err != nil {
			return err
		}
	}
	return nil
}

func more(p hunting.Page) hunting.Page {
	p.More = true
	return p
}

// TestSchemaChangesBetweenSlices: a file has one schema and a part one commit, so nothing of
// the part may be committed, in Kafka neither. The next run knows the columns and gets
// through.
func TestSchemaChangesBetweenSlices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 20)
		w.flip = true // at row 17
		e := both.exporter(w, &client{w: w}, "torn")
		e.Source = slicedSource{fakeSource{w: w}}
		r := export(t.Context(), e)
		if r.Err == nil || !strings.Contains(r.Err.Error(), "schema changed") {
			t.Errorf("error %v", r.Err)
		}
		if r.Commits > 0 || !r.Watermark.Equal(origin) || len(w.lake) > 0 || len(w.kafka) > 0 {
			t.Errorf("%d commits, watermark %s, %d files, %d events", r.Commits, r.Watermark, len(w.lake), len(w.kafka))
		}
		e = both.exporter(w, &client{w: w}, "again")
		e.Source = slicedSource{fakeSource{w: w}}
		if r := export(t.Context(), e); r.Err != nil || r.Rows != 4 || r.Commits != 1 {
			t.Errorf("again: %d rows in %d commits, %v", r.Rows, r.Commits, r.Err)
		}
	})
}
