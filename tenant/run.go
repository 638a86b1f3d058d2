package tenant

import (
	"context"
	"io"
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
