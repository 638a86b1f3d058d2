package config

import (
	"context"
	"errors"
	"fmt"
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
)

// checkStore opens a store, which asks it nothing.
func checkStore(l *setting.Problems, variable, url string, cfg blobs3.Config) {
	if url == "" {
		return
	}
	switch _, err := open.Store(context.Background(), url, cfg); {
	case errors.Is(err, blobs3.ErrNoRegion):
		l.Add("AWS_REGION", "", "is missing, and no profile gives one", "set the region of the bucket of "+variable+", or AWS_ENDPOINT_URL_S3 if it is not Amazon's")
	case err != nil:
		l.Add(variable, setting.Redact(url), err.Error(), "set s3://bucket/prefix, and AWS_* to what there is, or a directory that can be read and written")
	}
}

// exportProblems are those of the exporter's own settings.
func (c Config) exportProblems(now time.Time) setting.Problems {
	l := append(setting.Judge(c.Export), setting.Judge(c.Log)...)
	if _, err := StartTime(c.Export.Start, now); err != nil {
		l.Add("EXPORT_START", c.Export.Start, err.Error(), "set a duration back such as 24h, or a time such as 2026-01-31T00:00:00Z, 30 days back at most")
	}
	if r := c.Export.Reconcile; r > 0 && r < ledger.Width {
		l.Add("EXPORT_RECONCILE", r.String(), "is less than the quarter hour that counts are compared by", "set 15m or more, or 0 for off")
	}
	if err := spill.Check(c.Export.Spill); err != nil {
		l.Add("PIPELINE_SPILL", c.Export.Spill, err.Error(), "name a writable directory on local disk, with room for a commit's files")
	}
	if c.ExactlyOnce() && c.Export.CommitInterval > longestCommit && c.Export.CommitInterval <= 24*time.Hour {
		l.Add("EXPORT_COMMIT_INTERVAL", c.Export.CommitInterval.String(), "is more than a third of the broker's transaction timeout of 15m",
			"set 5m at most, or KAFKA_DELIVERY=at-least-once")
	}
	return l
}

// StoreProblems are those of lake and state, whichever command uses them.
func (c Config) StoreProblems() setting.Problems {
	l := c.placeProblems()
	if c.StateURL() == "" {
		l.Add("STATE_URL", "", "there is no lake to keep state in", "set s3://bucket/prefix or a directory on a volume")
	}
	return l
}

// placeProblems are those of lake and state as far as they are set.
func (c Config) placeProblems() setting.Problems {
	l := setting.Judge(c.State)
	checkStore(&l, "LAKE_URL", c.Export.Lake, c.Blob)
	checkStore(&l, "STATE_URL", c.State.URL, c.Blob)
	byID := func(variable, value string) {
		if c.Source.TenantGUID() == "" {
			l.Add(variable, value, "names things by the tenant's id, which AZURE_TENANT_ID does not give", "set AZURE_TENANT_ID to the id (a GUID) instead of a domain")
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
func (c Config) sinkProblems() setting.Problems {
	l := c.StoreProblems()
	if c.Export.Lake == "" && !c.Kafka.Enabled() {
		l = c.placeProblems()
		l.Add("LAKE_URL", "", "there is no sink: neither LAKE_URL nor KAFKA_BROKERS is set", "set one of them or both")
	}
	l = append(l, c.Parquet.Problems()...)
	return append(l, c.Kafka.Problems()...)
}

// StartTime is where a dataset without state begins.
func StartTime(s string, now time.Time) (time.Time, error) {
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

func trimSlash(url string) string {
	trimmed := strings.TrimRight(url, "/")
	if trimmed == "" || strings.HasSuffix(trimmed, ":") { // the root itself
		return url
	}
	return trimmed
}
