// Package transform turns one answer's JSON into one Arrow record, in one pass over
// the bytes, without maps of values and without an allocation a cell.
//
// It guarantees that every row of an answer is either in the record or among the
// rejects, with its raw JSON and a reason; that an answer which is cut, malformed or
// over a limit gives an error and no batch at all; and that the same row gives the
// same cells and the same hash from every flavour of the API.
//
// What is decided here, where the API leaves it open:
//   - a lone surrogate in an escape becomes U+FFFD; raw bytes that are not UTF-8
//     reject their row, for nothing says what they were meant to be;
//   - a row with the same key twice is rejected;
//   - Graph's {} is null; a legacy {} in a dynamic column is an empty bag;
//   - in Graph's arrays an element that is the JSON text of an object or array becomes
//     that object or array, as it was in Kusto; legacy answers keep such text as text.
package transform

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"hunting-exporter/internal/setting"
	"hunting-exporter/pipeline"
)

// Errors of a page as a whole. Neither goes away by transforming the same body again.
var (
	// ErrMalformed: the body is not one complete hunting answer.
	ErrMalformed = errors.New("malformed answer")
	// ErrLimit: the body goes beyond a bound of Config.
	ErrLimit = errors.New("limit exceeded")
)

// Config bounds what one answer may hold. What goes beyond is an error, never cut.
type Config struct {
	MaxDepth   int `env:"TRANSFORM_MAX_DEPTH, default=128"`           // nested objects and arrays of the document
	MaxCell    int `env:"TRANSFORM_MAX_CELL_BYTES, default=16777216"` // bytes of one cell
	MaxColumns int `env:"TRANSFORM_MAX_COLUMNS, default=2000"`        // columns of a Schema
}

// Problems reports every bound that cannot be used.
func (c Config) Problems() []setting.Problem {
	var out []setting.Problem
	check := func(variable string, value, least, most int) {
		if value < least || value > most {
			out = append(out, setting.Problem{
				Variable: variable,
				Value:    fmt.Sprint(value),
				Reason:   "out of range",
				Fix:      fmt.Sprintf("set a number from %d to %d, or leave it unset", least, most),
			})
		}
	}
	// The depth is also that of the recursion; the cell must fit Arrow's offsets.
	check("TRANSFORM_MAX_DEPTH", c.MaxDepth, 4, 10_000)
	check("TRANSFORM_MAX_CELL_BYTES", c.MaxCell, 1024, 1<<30)
	check("TRANSFORM_MAX_COLUMNS", c.MaxColumns, 1, 100_000)
	return out
}

// withDefaults lets the zero Config stand for the defaults.
func (c Config) withDefaults() Config {
	if c.MaxDepth == 0 {
		c.MaxDepth = 128
	}
	if c.MaxCell == 0 {
		c.MaxCell = 16 << 20
	}
	if c.MaxColumns == 0 {
		c.MaxColumns = 2000
	}
	return c
}

// Transformer implements pipeline.Transformer. It is safe for concurrent use.
type Transformer struct {
	cfg  Config
	log  *slog.Logger
	nans atomic.Int64
}

var _ pipeline.Transformer = (*Transformer)(nil)

// New makes a Transformer. Zero fields of cfg mean their defaults.
func New(cfg Config, log *slog.Logger) *Transformer {
	return &Transformer{cfg: cfg.withDefaults(), log: log}
}

// NaNs is the number of NaN cells that became null so far: files and SIEMs prune and
// compare NaN each in their own way.
func (t *Transformer) NaNs() int64 { return t.nans.Load() }

// Transform turns the page into a batch and releases the page, on an error too.
// Rows of the batch's record plus its rejects are the rows of the page.
func (t *Transformer) Transform(ctx context.Context, ds pipeline.Dataset, p pipeline.Page) (pipeline.Batch, error) {
	defer p.Release()
	d := newDecoder(t.cfg, p)
	if err := d.answer(ctx); err != nil {
		return pipeline.Batch{}, fmt.Errorf("transform %s, window %s: %w", ds.Name, p.Window, err)
	}
	if got := d.rows + len(d.rejects); p.Rows >= 0 && got != p.Rows {
		return pipeline.Batch{}, fmt.Errorf("transform %s, window %s: %w: %d rows where %d were counted in the body; report this as a defect",
			ds.Name, p.Window, ErrMalformed, got, p.Rows)
	}
	record, err := d.record()
	if err != nil {
		return pipeline.Batch{}, fmt.Errorf("transform %s, window %s: %w", ds.Name, p.Window, err)
	}
	t.report(ctx, ds, p.Window, d)
	return pipeline.Batch{Part: p.Part, Record: record, Hashes: d.hashes, Rejects: d.rejects}, nil
}

// report says what of the page did not become what it was.
func (t *Transformer) report(ctx context.Context, ds pipeline.Dataset, w pipeline.Window, d *decoder) {
	if d.nans > 0 {
		t.nans.Add(int64(d.nans))
		t.log.InfoContext(ctx, "NaN became null", "dataset", ds.Name, "window", w.String(), "cells", d.nans)
	}
	if len(d.rejects) > 0 {
		t.log.WarnContext(ctx, "rows rejected", "dataset", ds.Name, "window", w.String(),
			"rows", len(d.rejects), "reason", d.rejects[0].Reason)
	}
}
