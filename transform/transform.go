// Package transform turns an answer's JSON into Arrow columns while it arrives, in one pass
// through a bounded window, without an allocation a row, and brings pages of columns into
// the columns of their dataset.
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
	"fmt"
	"log/slog"
	"slices"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/setting"
	"hunting-exporter/schema"
)

// Config bounds what one answer may hold. What goes beyond is an error, never cut.
type Config struct {
	// MaxDepth is also that of the recursion; MaxCell must fit Arrow's offsets.
	MaxDepth   int           `env:"TRANSFORM_MAX_DEPTH, default=128" help:"nested objects and arrays of an answer" range:"4..10000"`
	MaxCell    setting.Bytes `env:"TRANSFORM_MAX_CELL_BYTES, default=16MiB" help:"of one cell; a larger one is an error, never cut" range:"1KiB..1GiB"`
	MaxColumns int           `env:"TRANSFORM_MAX_COLUMNS, default=2000" help:"columns of an answer" range:"1..100000"`
}

// Problems reports every bound that cannot be used.
func (c Config) Problems() []setting.Problem { return setting.Judge(c) }

// Transformer implements pipeline.Transformer. It is safe for concurrent use.
type Transformer struct {
	cfg Config
	log *slog.Logger
}

// New makes a Transformer. Zero fields of cfg mean their defaults.
func New(cfg Config, log *slog.Logger) *Transformer {
	return &Transformer{cfg: setting.WithDefaults(cfg), log: log}
}

// Transform brings the page into the dataset's columns, which it extends, and hashes its
// rows. It releases the page, on an error too. Rows of the batch's record plus its rejects
// are the rows of the page.
func (t *Transformer) Transform(ctx context.Context, ds hunting.Dataset, columns *schema.Evolution, p hunting.Page) (hunting.Batch, error) {
	defer p.Release()
	t.report(ctx, ds, p)
	b := hunting.Batch{Part: p.Part, More: p.More, Gap: p.Gap, Rejects: p.Answer.Rejects}
	if p.Answer.Record == nil {
		return b, nil
	}
	record, added, err := columns.Fit(p.Answer.Record)
	if err != nil {
		return hunting.Batch{}, fmt.Errorf("transform %s, window %s: %w", ds.Name, p.Window, err)
	}
	known := columns.Columns()
	if len(known) > t.cfg.MaxColumns {
		record.Release()
		return hunting.Batch{}, fmt.Errorf("transform %s, window %s: %w: its answers have had more than %d columns; project those that are wanted, or raise TRANSFORM_MAX_COLUMNS",
			ds.Name, p.Window, hunting.ErrLimit, t.cfg.MaxColumns)
	}
	if len(added) < len(known) { // not the very first answer
		t.changed(ctx, ds, known[:len(known)-len(added)], added)
	}
	b.Record, b.Hashes = record, hashRows(record)
	return b, nil
}

// changed tells of columns that came up.
func (t *Transformer) changed(ctx context.Context, ds hunting.Dataset, before, added []schema.Column) {
	for _, c := range added {
		i := slices.IndexFunc(before, func(k schema.Column) bool { return k.Name == c.Name })
		if i < 0 {
			t.log.InfoContext(ctx, "a new column", "dataset", ds.Name, "column", c.Name, "type", c.Type)
			continue
		}
		t.log.WarnContext(ctx, "a column has changed its type; it goes on under a name with a suffix",
			"dataset", ds.Name, "column", c.Name, "type", c.Type, "before", before[i].Type)
	}
}

// report says what of the page did not become what it was.
func (t *Transformer) report(ctx context.Context, ds hunting.Dataset, p hunting.Page) {
	if n := p.Answer.NaNs; n > 0 {
		t.log.InfoContext(ctx, "NaN became null", "dataset", ds.Name, "window", p.Window.String(), "cells", n)
	}
	if r := p.Answer.Rejects; len(r) > 0 {
		t.log.WarnContext(ctx, "rows rejected", "dataset", ds.Name, "window", p.Window.String(), "rows", len(r), "reason", r[0].Reason)
	}
}
