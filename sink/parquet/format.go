package parquet

import (
	"fmt"
	"os"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/pool"
	"hunting-exporter/internal/setting"
	"hunting-exporter/internal/spill"
	"hunting-exporter/sink/parquet/file"
)

// Info is what files say about the program that wrote them.
type Info struct {
	Version string
	// Datasets is how many are exported, all told.
	Datasets int
}

// Format is how files are written. It may be used by several datasets at once.
type Format struct {
	cfg  Config
	info Info
	pool *pool.Pool
	// blooms are checked by the first columns of each dataset.
	blooms *blooms
}

// New returns a format. Rows wait in memory that the pool lends.
func New(cfg Config, info Info, p *pool.Pool) *Format {
	return &Format{cfg: setting.WithDefaults(cfg), info: info, pool: p, blooms: newBlooms(cfg.Bloom, info.Datasets)}
}

// Begin makes a spill directory for rows of a dataset from a time on.
func (f *Format) Begin(ds hunting.Dataset, from time.Time) (*Writer, error) {
	codec, err := f.newCodec()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(f.cfg.Spill, ds.Name+"-")
	if err != nil {
		err = spill.Explain(err, spill.Use{Dir: f.cfg.Spill, For: "files of " + ds.Name})
		return nil, fmt.Errorf("begin files of %s: %w; check PIPELINE_SPILL", ds.Name, err)
	}
	return &Writer{format: f, dataset: ds, from: from, dir: dir, partitions: map[int64]*partition{}, encoder: file.NewEncoder(codec)}, nil
}

// Extension ends the names of files; it tells the compression.
func (f *Format) Extension() string { return "." + f.cfg.Compression + ".parquet" }
