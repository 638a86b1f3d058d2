package source

import (
	"context"

	"hunting-exporter/hunting"
	"hunting-exporter/source/call"
)

// Query makes one query whose answer is taken or refused as it is.
func (r *Reader) Query(ctx context.Context, text string) (hunting.Answer, error) {
	return r.client.Ask(ctx, call.Target{Dataset: "query"}, text)
}
