package tenant

import (
	"context"
	"io"

	"hunting-exporter/schema"
)

// Run answers a query without HTTP, token and quota, in the form of the M365D API:
// for measuring, and for looking into the tenant by hand.
func (t *Tenant) Run(ctx context.Context, w io.Writer, query string) error {
	a, err := t.answer(ctx, Call{API: string(m365dAPI), Query: query}, always)
	if err != nil {
		return err
	}
	defer a.release()
	return a.writeTo(w, m365dAPI)
}

// Query answers a query with its cells as they truly are, all rows of it: no cap, poison
// or fault touches it. An error is the API's text of a refusal.
func (t *Tenant) Query(query string) ([]schema.Column, [][]Cell, error) {
	rel, err := t.relation(context.Background(), query, always)
	if err != nil {
		return nil, nil, err
	}
	var rows [][]Cell
	rel.scan(func(r *row) bool {
		cells := make([]Cell, len(rel.columns))
		for i, c := range rel.columns {
			cells[i] = cell(c.expr.eval(r))
		}
		rows = append(rows, cells)
		return true
	})
	return rel.schema(), rows, nil
}
