package source

import (
	"context"

	"hunting-exporter/pipeline"
)

// Query makes one query whose answer is taken or refused as it is.
func (r *Reader) Query(ctx context.Context, text string) (pipeline.Page, error) {
	a, err := r.client.fetch(ctx, place{dataset: "query"}, r.request(text))
	if err != nil {
		return pipeline.Page{}, err
	}
	return pipeline.Page{Body: a.body, Rows: a.rows, Free: a.free}, nil
}
