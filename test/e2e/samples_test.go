package e2e_test

import (
	"strings"
	"testing"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/tenant"
	"hunting-exporter/test/duck"
	"hunting-exporter/test/recorded"
)

// TestRecordedRows serves recorded rows as each API would. Each arrives in Parquet
// and in Kafka with every cell equal, none rejected.
func TestRecordedRows(t *testing.T) {
	sets, err := recorded.Sets()
	if err != nil {
		t.Fatal(err)
	}
	for _, api := range []string{"graph", "m365d"} {
		for _, set := range sets {
			t.Run(api+"/"+set.Name, func(t *testing.T) {
				t.Parallel()
				exportRecorded(t, api, set)
			})
		}
	}
}

func exportRecorded(t *testing.T, api string, set recorded.Set) {
	from := newSite(t, tenant.Options{})
	from.graph = api == "graph"
	tables, err := set.Load(from.Tenant, time.Now().Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	s := combinations[2].on(t, false)
	p := finish(t, from.env(t, append(s.env, "SOURCE_API="+api, "EXPORT_TABLES="+strings.Join(tables, ","))...))
	if s := p.Stdout.String(); !strings.Contains(s, `"rejected":0`) {
		t.Errorf("rows were rejected: %s", s)
	}
	rows := 0
	for _, table := range tables {
		if known, ok := schema.Lookup(table); ok && known.TimeColumn == "" {
			s.checkSnapshots(t, duck.Open(t), from, table, 1)
		} else {
			s.check(t, from, table, equal)
		}
		rows += from.Rows(table).Len
	}
	t.Logf("%d rows of %d tables", rows, len(tables))
}
