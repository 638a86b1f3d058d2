// Package demo exports a simulated tenant and proves that the lake holds what the tenant held.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"hunting-exporter/blob/dir"
	"hunting-exporter/report"
	"hunting-exporter/sink/lake"
	"hunting-exporter/tenant"
)

// Tables are what the demo's tenant holds.
var Tables = []string{
	"DeviceProcessEvents", "DeviceNetworkEvents", "DeviceLogonEvents", "AlertInfo",
	"AlertEvidence", "EmailEvents", "IdentityLogonEvents", "CloudAppEvents",
}

// rowCap is the row cap of the demo's tenant with Fail: answers small enough that there is a
// middle to be killed in.
const rowCap = 400

// Demo is one run of the demo.
type Demo struct {
	Dir   string // to export into
	Rows  int    // of each table
	Seed  uint64
	Truth string // a folder that gets what the tenant holds; empty: none
	Kafka bool   // events are sent to an embedded broker as well
	Fail  bool   // the export is throttled and killed in the middle

	Out     io.Writer
	Environ []string // of processes that are started
	// Export exports in this process.
	Export func(ctx context.Context, settings map[string]string, web *http.Client) (report.Run, error)

	began  time.Time
	server *Server
	events *Broker // nil: no Kafka
}

// Run exports and compares. An export that did not end well is reported as it is.
func (d *Demo) Run(ctx context.Context) (rep report.Run, err error) {
	if err := d.clear(); err != nil {
		return rep, err
	}
	d.began = time.Now()
	if err := d.serve(ctx); err != nil {
		return rep, err
	}
	defer func() { err = errors.Join(err, d.server.Close()) }()
	if d.Kafka {
		if d.events, err = StartBroker(); err != nil {
			return rep, err
		}
		defer d.events.Close()
	}
	if d.Truth != "" {
		if err := WriteTruth(d.Truth, d.server.Tenant, Tables); err != nil {
			return rep, err
		}
	}
	if d.Fail {
		rep, err = d.exportKilled(ctx)
	} else {
		rep, err = d.Export(ctx, d.settings(), d.server.Client())
	}
	if err != nil || rep.Code != 0 || ctx.Err() != nil {
		return rep, err
	}
	return rep, d.prove(ctx, rep)
}

// serve makes the tenant and serves it.
func (d *Demo) serve(ctx context.Context) (err error) {
	o := tenant.Options{}
	if d.Fail {
		o.MaxRows, o.CallsPerMinute = rowCap, -1
	}
	t := tenant.New(o)
	// Every row has come in by now: real ones may be hours late, and would be new to
	// a later run.
	const latest = 5 * time.Minute
	err = t.Seed(tenant.Seed{
		Tables: Tables, Rows: d.Rows, From: d.began.Add(-latest - time.Hour), To: d.began.Add(-latest), Seed: d.Seed,
		Lag: func(row int) time.Duration { return time.Duration(row) * 7919 * time.Millisecond % latest },
	})
	if err != nil {
		return err
	}
	if d.server, err = Serve(ctx, t, "127.0.0.1:0"); err != nil {
		return err
	}
	fmt.Fprintf(d.Out, "A simulated tenant with %d tables of %d rows, seed %d, at %s\n", len(Tables), d.Rows, d.Seed, d.server.URL)
	fmt.Fprintf(d.Out, "Exporting into %s\n", d.Dir)
	return nil
}

// settings are those of an export of the demo's tenant.
func (d *Demo) settings() map[string]string {
	s := map[string]string{
		"EXPORT_START": d.start().Format(time.RFC3339Nano), "EXPORT_LAG": "0s", "LAKE_URL": d.Dir, "LOG_LEVEL": "warn",
		"EXPORT_TABLES": strings.Join(Tables, ","),
	}
	for _, pair := range d.server.Settings() {
		s[pair[0]] = pair[1]
	}
	if d.events != nil {
		s["KAFKA_BROKERS"] = d.events.Address
	}
	if d.Fail {
		maps.Copy(s, map[string]string{
			"SOURCE_MAX_ROWS": strconv.Itoa(rowCap), "SOURCE_CALLS_PER_MINUTE": "10000", "EXPORT_COMMIT_ROWS": strconv.Itoa(rowCap),
			"STATE_LEASE": lease.String(), "LOG_LEVEL": "info", "LOG_FORMAT": "json",
		})
	}
	return s
}

// start is before everything that the tenant holds.
func (d *Demo) start() time.Time { return d.began.Add(-2 * time.Hour).UTC() }

// prove compares lake and tenant and says how to look at the lake.
func (d *Demo) prove(ctx context.Context, rep report.Run) error {
	files, err := dir.Open(d.Dir)
	if err != nil {
		return err
	}
	meta, err := dir.Open(filepath.Join(d.Dir, "_meta"))
	if err != nil {
		return err
	}
	l := lake.New(files, meta)
	t := tabwriter.NewWriter(d.Out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "\ntable\trows in the tenant\trows in the lake\tmissing\textra\tfiles\t")
	total, complete := Verdict{Table: "total"}, true
	line := func(v Verdict) {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t\n", v.Table, v.Truth, v.Lake, v.Missing, v.Extra, v.Files)
	}
	for _, r := range rep.Datasets {
		v, err := Compare(ctx, l, d.server.Tenant, r.Dataset, d.start(), *r.Watermark)
		if err != nil {
			return err
		}
		complete = complete && v.Complete()
		total.Truth, total.Lake, total.Missing, total.Extra, total.Files = total.Truth+v.Truth, total.Lake+v.Lake, total.Missing+v.Missing, total.Extra+v.Extra, total.Files+v.Files
		line(v)
	}
	line(total)
	if err := t.Flush(); err != nil {
		return err
	}
	if !complete {
		return errors.New("the lake does not hold what the tenant holds: please report this with the seed")
	}
	fmt.Fprintf(d.Out, "Every cell was compared: the lake holds what the tenant held, each row once. %d calls, %.1f s.\n", rep.Calls, time.Since(d.began).Seconds())
	if d.events != nil {
		if err := d.events.show(ctx, d.Out, rep, total.Lake); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(d.Out, "\nLook at it with DuckDB:\n  SELECT count(*) FROM read_parquet('%s/%s/**/*.parquet', union_by_name=true, hive_partitioning=true);\n",
		filepath.ToSlash(d.Dir), Tables[0])
	return err
}
