package tenant_test

import (
	"io"
	"testing"
	"time"

	"hunting-exporter/tenant"
)

func BenchmarkSeedMillion(b *testing.B) {
	for b.Loop() {
		tn := tenant.New(tenant.Options{Now: fixed})
		if err := tn.Seed(tenant.Seed{Tables: []string{"DeviceProcessEvents"}, Rows: 1_000_000, Seed: 1}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkQueries(b *testing.B) {
	tn := tenant.New(tenant.Options{Now: fixed, CallsPerMinute: -1, MaxBytes: 1 << 40})
	if err := tn.Seed(tenant.Seed{Tables: []string{"DeviceProcessEvents"}, Rows: 1_000_000, From: noon.Add(-48 * time.Hour), To: noon, Seed: 1}); err != nil {
		b.Fatal(err)
	}
	for name, q := range map[string]string{
		"window":    "DeviceProcessEvents | where ingestion_time() >= ago(4h) | extend _IngestionTime = ingestion_time() | take 20000",
		"histogram": "DeviceProcessEvents | where ingestion_time() >= ago(48h) | summarize count() by bin(ingestion_time(), 15m)",
		"hash":      "DeviceProcessEvents | where hash_xxhash64(strcat(tostring(Timestamp), DeviceId, tostring(ReportId)), 64) == 3 | count",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := tn.Run(b.Context(), io.Discard, q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
