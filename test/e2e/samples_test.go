package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/tenant"
	"hunting-exporter/test/duck"
)

// recorded are folders of rows as three sources gave them. The synthetic ones are
// part of the repository; public recorded ones lie beside it where it is developed.
var recorded = []struct {
	form  tenant.Form
	glob  string
	table string // empty: the file's name
}{
	{tenant.StreamForm, "../../tenant/testdata/stream.ndjson", "DeviceFileEvents"},
	{tenant.GraphForm, "../../tenant/testdata/graph.ndjson", "ExposureGraphNodes"},
	{tenant.LegacyForm, "../../tenant/testdata/legacy.ndjson", "CloudAppEvents"},
	{tenant.StreamForm, "../../../shared/samples/*.ndjson", ""},
	{tenant.GraphForm, "../../../shared/samples/graph/*.ndjson", ""},
	{tenant.LegacyForm, "../../../shared/samples/legacy/*.ndjson", ""},
}

// TestRecordedRows serves recorded rows as each API would. Each arrives in Parquet
// and in Kafka with every cell equal, none rejected.
func TestRecordedRows(t *testing.T) {
	for _, api := range []string{"graph", "m365d"} {
		for _, set := range recorded {
			files, err := filepath.Glob(set.glob)
			if err != nil {
				t.Fatal(err)
			}
			if len(files) == 0 {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s", api, strings.NewReplacer("../", "", "/*.ndjson", "", "/", " ").Replace(set.glob)), func(t *testing.T) {
				t.Parallel()
				exportRecorded(t, api, set.form, set.table, files)
			})
		}
	}
}

func exportRecorded(t *testing.T, api string, form tenant.Form, only string, files []string) {
	from := newSite(t, tenant.Options{})
	from.graph = api == "graph"
	var tables []string
	for _, path := range files {
		name := only
		if name == "" {
			name, _, _ = strings.Cut(filepath.Base(path), ".")
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		err = from.LoadNDJSON(name, f, tenant.Load{Form: form, Ingested: time.Now().Add(-time.Hour)})
		_ = f.Close()
		if err != nil {
			t.Fatal(err)
		}
		tables = append(tables, name)
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
