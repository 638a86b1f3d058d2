package s3

import (
	"fmt"
	"log/slog"
	"os"

	"hunting-exporter/blob"
	"hunting-exporter/internal/pool"
	"hunting-exporter/internal/spill"
	"hunting-exporter/pipeline"
	"hunting-exporter/schema"
	"hunting-exporter/sink/s3/parquetfile"
)

// Info is what files say about the program that wrote them.
type Info struct {
	Version string
	// Tenant is the id whose folder the files go to, where tenants share the lake; empty:
	// there is no such folder.
	Tenant string
	// Datasets is how many are exported, all told.
	Datasets int
}

// Sink writes to one lake. It may be used by several datasets at once.
type Sink struct {
	store blob.Store
	cfg   Config
	info  Info
	log   *slog.Logger
	pool  *pool.Pool
	// blooms are checked by the first columns of each dataset.
	blooms *blooms
}

var _ pipeline.Lake = (*Sink)(nil)

// New returns a sink on the lake's store. Rows wait in memory that the pool lends.
func New(store blob.Store, cfg Config, info Info, p *pool.Pool, log *slog.Logger) *Sink {
	return &Sink{store: store, cfg: cfg.withDefaults(), info: info, pool: p, log: log, blooms: newBlooms(cfg.Bloom, info.Datasets)}
}

// Begin makes the attempt's own spill directory.
func (s *Sink) Begin(a pipeline.Attempt) (pipeline.LakeWriter, error) {
	codec, err := s.newCodec()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(s.cfg.Spill, a.Dataset.Name+"-")
	if err != nil {
		err = spill.Explain(err, spill.Use{Dir: s.cfg.Spill, For: "files of " + a.Dataset.Name})
		return nil, fmt.Errorf("begin files of %s: %w; check PIPELINE_SPILL", a.Dataset.Name, err)
	}
	return &writer{sink: s, attempt: a, dir: dir, files: map[int64]*file{}, encoder: parquetfile.NewEncoder(codec)}, nil
}

// folder is where a dataset's files are.
func (s *Sink) folder(dataset string) string {
	if s.info.Tenant == "" {
		return dataset + "/"
	}
	return dataset + "/" + schema.TenantPartition + "=" + s.info.Tenant + "/"
}

// days begins the names of a dataset's folders by day, and of no other tenant's.
func (s *Sink) days(dataset string) string { return s.folder(dataset) + schema.Partition + "=" }

// extension ends the names of files; it tells the compression.
func (s *Sink) extension() string { return "." + s.cfg.Compression + ".parquet" }
