// Package state keeps each dataset's document and its compare-and-swap on a blob
// store. It guarantees that at most one run's writes take effect at a time: every
// write is conditional on the one before, carries its own nonce, and goes through
// one goroutine. A write whose answer is not known is never assumed to have failed.
package state
