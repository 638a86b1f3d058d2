// Package config is every setting: declared once, by the packages that use it, read from
// variables and flags, judged all at once, and explained.
package config

import (
	"time"

	blobs3 "hunting-exporter/blob/s3"
	"hunting-exporter/internal/setting"
	"hunting-exporter/pipeline"
	"hunting-exporter/schema"
	"hunting-exporter/sink/kafka"
	"hunting-exporter/sink/parquet"
	"hunting-exporter/source/call"
	"hunting-exporter/transform"
)

// Config is everything that can be set: each package's own settings, and the
// exporter's. Variables, flags, help, the README's table and what Helm's chart takes all
// come from their tags, which package setting explains.
type Config struct {
	Source    call.Config
	Export    Export
	Blob      blobs3.Config
	Parquet   parquet.Config
	Kafka     kafka.Config
	State     State
	Transform transform.Config
	Log       Log
}

// Export says what is exported, when and where to.
type Export struct {
	Tables  setting.List  `env:"EXPORT_TABLES" help:"comma list of hunting tables" chart:"^\\s*([A-Za-z_][A-Za-z0-9_]*\\s*(,\\s*[A-Za-z_][A-Za-z0-9_]*\\s*)*)?$"`
	Queries string        `env:"EXPORT_QUERIES" help:"directory of '*.kql' files, each a custom query" chart:"no"`
	Start   string        `env:"EXPORT_START, default=24h" help:"where a dataset without state begins: a duration back or an RFC 3339 time, 30 days at most"`
	Cursor  string        `env:"EXPORT_CURSOR, default=auto" help:"clock of the windows: 'auto' ('ingestion' for tables, 'event' for queries), 'ingestion' or 'event'" values:"auto ingestion event"`
	Lag     time.Duration `env:"EXPORT_LAG, default=5m" help:"how far behind now a window may end, by this machine's clock or the API's, the earlier one" range:"0s..720h"`
	// Reconcile leaves a day until the rows that are compared are gone.
	Reconcile      time.Duration `env:"EXPORT_RECONCILE, default=24h" help:"how far back counts are compared and late rows fetched, 15m to 29 days; '0': off" range:"0s..696h"`
	Snapshot       time.Duration `env:"EXPORT_SNAPSHOT_INTERVAL, default=24h" help:"how often a table without a time column is exported whole" range:"1s..8760h"`
	CommitInterval time.Duration `env:"EXPORT_COMMIT_INTERVAL, default=5m" help:"when a commit is made before the run has caught up" range:"1s..24h"`
	CommitRows     int64         `env:"EXPORT_COMMIT_ROWS, default=5000000" help:"rows after which a commit is made before the run has caught up" range:"1..1000000000"`
	Deadline       time.Duration `env:"EXPORT_DEADLINE, default=0" help:"the run takes no more windows this long after its start, and commits; '0': until caught up" range:"0s..168h" chart:"deadline" preset:"10m"`
	Lake           string        `env:"LAKE_URL" help:"s3://bucket/prefix or a directory for Parquet; empty: no lake" literal:"" chart:"store"`
	LakeTenant     bool          `env:"LAKE_TENANT" help:"for tenants that share a lake: files in '<table>/tenant=<id>/dt=…' and everything of '_meta/' in '_meta/tenant=<id>/'; readers see a column tenant"`
	Buffer         int           `env:"PIPELINE_BUFFER, default=2" help:"pages or batches that a channel holds" range:"1..64"`
	Memory         setting.Bytes `env:"PIPELINE_MEMORY, default=256MiB" help:"bytes of answers between the API and the sinks, over all datasets" range:"1MiB.." wrong:"is less than one answer needs" fix:"set 64MiB or more"`
	Spill          string        `env:"PIPELINE_SPILL" help:"local disk where a commit's files wait, tried at the start, and what a dead run left there goes; empty: the temporary directory" chart:"no"`
}

// State says where the state documents live and how they are guarded.
type State struct {
	URL   string        `env:"STATE_URL" help:"where state lives, needed with Kafka alone; empty: '<LAKE_URL>/_meta'" literal:"" chart:"store"`
	Lease time.Duration `env:"STATE_LEASE, default=1m" help:"how long the claim of a dead run lasts" range:"1s..24h"`
	Lock  string        `env:"STATE_LOCK, default=cas" help:"'cas', or 'none' for a store without conditional writes and a single writer" values:"cas none"`
}

// Log says what is logged and how.
type Log struct {
	Level  string `env:"LOG_LEVEL, default=info" help:"what is logged" values:"debug info warn error" anycase:""`
	Format string `env:"LOG_FORMAT, default=auto" help:"'auto' (text on a terminal, else JSON), 'text' or 'json'" values:"auto text json" preset:"json"`
}

// ForPeople reports whether somebody reads the log as it comes.
func (l Log) ForPeople(terminal bool) bool { return terminal && l.Format != "json" }

// AsJSON reports whether the log is JSON.
func (l Log) AsJSON(terminal bool) bool { return l.Format != "text" && !l.ForPeople(terminal) }

// StateURL is where the state documents live.
func (c Config) StateURL() string {
	if c.State.URL != "" {
		return c.State.URL
	}
	return c.MetaURL()
}

// StateVariable is the one that says where the state documents live.
func (c Config) StateVariable() string {
	if c.State.URL != "" || c.Export.Lake == "" {
		return "STATE_URL"
	}
	return "LAKE_URL"
}

// MetaURL is the lake's own place for manifests, a tenant's where tenants share the lake;
// empty without a lake.
func (c Config) MetaURL() string {
	if c.Export.Lake == "" {
		return ""
	}
	meta := trimSlash(c.Export.Lake) + "/_meta"
	if folder := c.TenantFolder(); folder != "" {
		meta += "/" + schema.TenantPartition + "=" + folder
	}
	return meta
}

// TenantFolder is the id that the lake's folders name; empty: they name none.
func (c Config) TenantFolder() string {
	if !c.Export.LakeTenant {
		return ""
	}
	return c.Source.TenantGUID()
}

// ExactlyOnce reports whether Kafka decides commits.
func (c Config) ExactlyOnce() bool { return c.Kafka.Enabled() && c.Kafka.Delivery != kafka.AtLeastOnce }

// Limits say when commits are made and how far back a run looks.
func (c Config) Limits() pipeline.Limits {
	return pipeline.Limits{
		Rows: c.Export.CommitRows, Interval: c.Export.CommitInterval, Buffer: c.Export.Buffer, Memory: int64(c.Export.Memory),
		Reconcile: c.Export.Reconcile,
		// Runs start now a little earlier, now a little later: a snapshot that is all but
		// due must not wait for one more run.
		Snapshot: c.Export.Snapshot - c.Export.Snapshot/20,
	}
}

// Minutes is how long the tenant's quota makes so many calls last.
func (c Config) Minutes(calls float64) float64 {
	minutes := calls / float64(c.Source.CallsPerMinute)
	if n := c.Source.PerHour(); n > 0 {
		minutes = max(minutes, 60*calls/float64(n))
	}
	return minutes
}

// Problems are every setting that `run` cannot use.
func (c Config) Problems(now time.Time) []setting.Problem {
	all := c.Source.Problems()
	all = append(all, c.Transform.Problems()...)
	all = append(all, c.sinkProblems()...)
	all = append(all, c.exportProblems(now)...)
	all = append(all, c.datasetProblems()...)
	return all
}
