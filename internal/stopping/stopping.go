// Package stopping lets functions that wait know that the run was asked to end. Their context
// stays alive, since what has been read completely is committed still: only waiting for
// what may get better ends at once. The next run goes on from there.
package stopping

import "context"

type key struct{}

// With returns ctx, in which Asked tells that stop has ended.
func With(ctx, stop context.Context) context.Context {
	return context.WithValue(ctx, key{}, stop.Done())
}

// Asked is closed once the run was asked to end; nil, which is never, if nobody can ask.
func Asked(ctx context.Context) <-chan struct{} {
	asked, _ := ctx.Value(key{}).(<-chan struct{})
	return asked
}
