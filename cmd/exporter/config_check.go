package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hunting-exporter/blob/open"
	blobs3 "hunting-exporter/blob/s3"
	"hunting-exporter/internal/setting"
	"hunting-exporter/internal/spill"
	"hunting-exporter/pipeline/ledger"
)

const (
	// longest is the API's retention: what is older is not there any more.
	longest = 30 * 24 * time.Hour
	// longestCommit is a third of the transaction timeout asked of the broker, so
	// that a slow commit still ends inside its transaction.
	longestCommit = 5 * time.Minute
	// longestReconcile leaves a day until the rows that are compared are gone.
	longestReconcile = longest - 24*time.Hour
)

// problemList collects problems of several settings.
type problemList []setting.Problem

func (l *problemList) add(variable, value, reason, fix string) {
	*l = append(*l, setting.Problem{Variable: variable, Value: value, Reason: reason, Fix: fix})
}

func (l *problemList) oneOf(variable, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		l.add(variable, value, "is not one of the values there are", "set "+strings.Join(allowed, " or "))
	}
}

func (l *problemList) duration(variable string, value, least, most time.Duration) {
	if value < least || value > most {
		l.add(variable, value.String(), "out of range", fmt.Sprintf("set a duration from %s to %s", short(least), short(most)))
	}
}

func (l *problemList) number(variable string, value, least, most int64) {
	if value < least || value > most {
		l.add(variable, strconv.FormatInt(value, 10), "out of range", fmt.Sprintf("set a number from %d to %d", least, most))
	}
}

// store opens a store, which asks it nothing.
func (l *problemList) store(variable, url string, cfg blobs3.Config) {
	if url == "" {
		return
	}
	switch _, err := open.Store(context.Background(), url, cfg); {
	case errors.Is(err, blobs3.ErrNoRegion):
		l.add("AWS_REGION", "", "is missing, and no profile gives one", "set the region of the bucket of "+variable+", or AWS_ENDPOINT_URL_S3 if it is not Amazon's")
	case err != nil:
		l.add(variable, redact(url), err.Error(), "set s3://bucket/prefix, and AWS_* to what there is, or a directory that can be read and written")
	}
}

// exportProblems are those of the exporter's own settings.
func (c Config) exportProblems(now time.Time) problemList {
	var l problemList
	if _, err := startTime(c.Export.Start, now); err != nil {
		l.add("EXPORT_START", c.Export.Start, err.Error(), "set a duration back such as 24h, or a time such as 2026-01-31T00:00:00Z, 30 days back at most")
	}
	l.oneOf("EXPORT_CURSOR", c.Export.Cursor, "auto", "ingestion", "event")
	l.duration("EXPORT_LAG", c.Export.Lag, 0, longest)
	l.duration("EXPORT_RECONCILE", c.Export.Reconcile, 0, longestReconcile)
	if r := c.Export.Reconcile; r > 0 && r < ledger.Width {
		l.add("EXPORT_RECONCILE", r.String(), "is less than the quarter hour that counts are compared by", "set 15m or more, or 0 for off")
	}
	l.duration("EXPORT_SNAPSHOT_INTERVAL", c.Export.Snapshot, time.Second, 365*24*time.Hour)
	l.duration("EXPORT_COMMIT_INTERVAL", c.Export.CommitInterval, time.Second, 24*time.Hour)
	l.number("EXPORT_COMMIT_ROWS", c.Export.CommitRows, 1, 1_000_000_000)
	l.duration("EXPORT_DEADLINE", c.Export.Deadline, 0, 7*24*time.Hour)
	l.number("PIPELINE_BUFFER", int64(c.Export.Buffer), 1, 64)
	if c.Export.Memory < 1<<20 {
		l.add("PIPELINE_MEMORY", c.Export.Memory.String(), "is less than one answer needs", "set 64MiB or more")
	}
	if err := spill.Check(c.Export.Spill); err != nil {
		l.add("PIPELINE_SPILL", c.Export.Spill, err.Error(), "name a writable directory on local disk, with room for a commit's files")
	}
	l.oneOf("LOG_LEVEL", strings.ToLower(c.Log.Level), "debug", "info", "warn", "error")
	l.oneOf("LOG_FORMAT", c.Log.Format, "auto", "text", "json")
	if c.exactlyOnce() && c.Export.CommitInterval > longestCommit && c.Export.CommitInterval <= 24*time.Hour {
		l.add("EXPORT_COMMIT_INTERVAL", c.Export.CommitInterval.String(), "is more than a third of the broker's transaction timeout of 15m",
			"set 5m at most, or KAFKA_DELIVERY=at-least-once")
	}
	return l
}

// storeProblems are those of lake and state, whichever command uses them.
func (c Config) storeProblems() problemList {
	l := c.placeProblems()
	if c.stateURL() == "" {
		l.add("STATE_URL", "", "there is no lake to keep state in", "set s3://bucket/prefix or a directory on a volume")
	}
	return l
}

// placeProblems are those of lake and state as far as they are set.
func (c Config) placeProblems() problemList {
	var l problemList
	l.store("LAKE_URL", c.Export.Lake, c.Blob)
	l.store("STATE_URL", c.State.URL, c.Blob)
	l.duration("STATE_LEASE", c.State.Lease, time.Second, 24*time.Hour)
	l.oneOf("STATE_LOCK", c.State.Lock, "cas", "none")
	byID := func(variable, value string) {
		if c.Source.TenantGUID() == "" {
			l.add(variable, value, "names things by the tenant's id, which AZURE_TENANT_ID does not give", "set AZURE_TENANT_ID to the id (a GUID) instead of a domain")
		}
	}
	if c.Export.LakeTenant {
		byID("LAKE_TENANT", "true")
	}
	if c.Kafka.ByTenant() {
		byID("KAFKA_TOPIC", c.Kafka.Topic)
	}
	return append(l, c.Blob.Problems()...)
}

// sinkProblems are those of everything that rows are written to.
func (c Config) sinkProblems() problemList {
	l := c.storeProblems()
	if c.Export.Lake == "" && !c.Kafka.Enabled() {
		l = c.placeProblems()
		l.add("LAKE_URL", "", "there is no sink: neither LAKE_URL nor KAFKA_BROKERS is set", "set one of them or both")
	}
	l = append(l, c.Parquet.Problems()...)
	return append(l, c.Kafka.Problems()...)
}

// startTime is where a dataset without state begins.
func startTime(s string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(s); err == nil {
		switch {
		case d < 0:
			return time.Time{}, fmt.Errorf("is a negative duration")
		case d > longest:
			return time.Time{}, fmt.Errorf("is longer ago than the API keeps rows")
		}
		return now.Add(-d), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	switch {
	case err != nil:
		return time.Time{}, fmt.Errorf("is neither a duration nor an RFC 3339 time")
	case t.After(now):
		return time.Time{}, fmt.Errorf("lies in the future")
	case now.Sub(t) > longest:
		return time.Time{}, fmt.Errorf("is longer ago than the API keeps rows")
	}
	return t, nil
}

// short gives a duration without zero units: 1m, not 1m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// redact keeps a URL's credentials, if somebody put any there, out of messages.
func redact(url string) string {
	if strings.ContainsAny(url, "@?") {
		return "***"
	}
	return url
}

func trimSlash(url string) string {
	trimmed := strings.TrimRight(url, "/")
	if trimmed == "" || strings.HasSuffix(trimmed, ":") { // the root itself
		return url
	}
	return trimmed
}
