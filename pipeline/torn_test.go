package pipeline_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"hunting-exporter/pipeline"
)

// slicedSource hands one part over in two pages.
type slicedSource struct{ source }

func (s slicedSource) Read(_ context.Context, q pipeline.Reading, emit func(pipeline.Page) error) error {
	for _, part := range q.Parts {
		if err := emit(pipeline.Page{Part: part, More: true, Body: []byte("1,2"), Rows: 2}); err != nil {
			return err
		}
		if err := emit(pipeline.Page{Part: part, Body: []byte("18,19"), Rows: 2}); err != nil {
			return err
		}
	}
	return nil
}

// TestSchemaChangesBetweenSlices: a file has one schema and a part one commit, so nothing of
// the part may be committed, in Kafka neither.
func TestSchemaChangesBetweenSlices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 20)
		w.flip = true // at row 17
		e := both.exporter(w, &client{w: w}, "torn")
		e.Source = slicedSource{source{w: w}}
		r := export(t.Context(), e)
		if r.Err == nil || !strings.Contains(r.Err.Error(), "schema changed") {
			t.Errorf("error %v", r.Err)
		}
		if r.Commits > 0 || !r.Watermark.Equal(origin) || len(w.lake) > 0 || len(w.kafka) > 0 {
			t.Errorf("%d commits, watermark %s, %d files, %d events", r.Commits, r.Watermark, len(w.lake), len(w.kafka))
		}
	})
}
