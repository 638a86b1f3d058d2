// Package pipeline brings datasets from a source to the sinks: the stages with the
// bounded channels between them, up to the commit (pipeline/commit). It declares the
// interfaces it needs and knows no source and no sink.
//
// It guarantees that every row of a complete answer becomes visible exactly once in
// each sink, whatever crashes, overlaps or answers late (docs/protocol.md).
package pipeline
