package e2e_test

import (
	"path/filepath"
	"strings"
	"testing"

	"hunting-exporter/tenant"
	"hunting-exporter/test/duck"
)

// TestTenantsShareALake: two tenants with one LAKE_URL and one cluster, on S3 and real
// Kafka. Each tenant's rows are whole, in folders and topics of its own, and a reader has
// the tenant as a column.
func TestTenantsShareALake(t *testing.T) {
	t.Parallel()
	ids := []string{tenant.DefaultTenantID, "11111111-2222-4333-8444-ABCDEFABCDEF"}
	s := combinations[2].on(t, true)
	rows := map[string]string{}
	for i, id := range ids {
		from := newSite(t, tenant.Options{TenantID: id})
		from.seed(t, 300+i, table)
		env := from.env(t, append(s.env, "EXPORT_TABLES="+table, "AZURE_TENANT_ID="+id, "LAKE_TENANT=true",
			"KAFKA_TOPIC="+s.topics+"{tenant}.{table}")...)
		wantRows(t, command(t, env, 0, "run"), int64(300+i), 0)
		wantRows(t, command(t, env, 0, "run"), 0, 0)
		folder := strings.ToLower(id)
		rows[folder] = []string{"300", "301"}[i]
		mine := s
		mine.topics = s.topics + folder + "."
		_, truth := from.truth(table, tick)
		equal(t, "Kafka "+id, fold(truth), fold(from.kafkaRows(t, table, mine.events(t, table))))
		if shown := command(t, env, 0, "state", "show").Stdout.String(); !strings.Contains(shown, table) {
			t.Errorf("state show: %s", shown)
		}
	}
	db := duck.Open(t)
	glob := filepath.Join(s.dir, table, "**", "*.parquet")
	for _, row := range db.Query(t, "SELECT tenant, count(*) FROM "+duck.Parquet(true, glob)+" GROUP BY 1 ORDER BY 1").Rows {
		if rows[row[0]] != row[1] {
			t.Errorf("tenant %s has %s rows, want %s", row[0], row[1], rows[row[0]])
		}
		delete(rows, row[0])
	}
	if len(rows) > 0 {
		t.Errorf("nothing of %v", rows)
	}
}
