package transform_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"hunting-exporter/pipeline"
	"hunting-exporter/schema"
	"hunting-exporter/transform"
)

// processEvents makes an answer of DeviceProcessEvents as a legacy API writes it.
func processEvents(tb testing.TB, rows int, graph bool) []byte {
	tb.Helper()
	table, ok := schema.Lookup("DeviceProcessEvents")
	if !ok {
		tb.Fatal("DeviceProcessEvents is not in the catalogue")
	}
	var b strings.Builder
	schemaKey, resultsKey := "Schema", "Results"
	if graph {
		schemaKey, resultsKey = "schema", "results"
	}
	fmt.Fprintf(&b, `{"%s":[`, schemaKey)
	for i, c := range table.APIColumns() {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"Name":%q,"Type":%q}`, c.Name, c.Type)
	}
	fmt.Fprintf(&b, `],"%s":[`, resultsKey)
	for r := range rows {
		if r > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('{')
		for i, c := range table.APIColumns() {
			if i > 0 {
				b.WriteByte(',')
			}
			if graph && c.Type != "String" && c.Type != "DateTime" {
				fmt.Fprintf(&b, `"%s@odata.type":"#%s",`, c.Name, c.Type)
			}
			fmt.Fprintf(&b, "%q:%s", c.Name, processCell(c, r))
		}
		b.WriteByte('}')
	}
	b.WriteString("]}")
	return []byte(b.String())
}

func processCell(c schema.Column, r int) string {
	switch {
	case c.Type == "DateTime":
		return fmt.Sprintf(`"2026-01-%02dT%02d:%02d:%02d.%dZ"`, 1+r%28, r%24, r%60, r%59, 1+r*7919%9999999)
	case c.Type == "SByte":
		return fmt.Sprint(r % 2)
	case c.Type == "Int64" || c.Type == "Int32":
		return fmt.Sprint(r*7919%65536 + len(c.Name))
	case strings.HasSuffix(c.Name, "SHA256"):
		return fmt.Sprintf(`"%064x"`, r*2654435761)
	case strings.HasSuffix(c.Name, "CommandLine"):
		return fmt.Sprintf(`"\"C:\\Program Files\\Vendor\\agent%d.exe\" --scan --profile default --id %d"`, r%50, r)
	case c.Name == "AdditionalFields":
		return fmt.Sprintf(`"{\"DesiredAccess\":%d,\"Parent\":\"svc\"}"`, r%7)
	case strings.HasSuffix(c.Name, "FolderPath"):
		return `"C:\\Windows\\System32\\drivers"`
	case len(c.Name)%3 == 0:
		return `""`
	}
	return fmt.Sprintf(`"%s value %d"`, c.Name, r%100)
}

func BenchmarkTransform(b *testing.B) {
	for _, flavour := range []struct {
		name  string
		graph bool
	}{{"legacy", false}, {"graph", true}} {
		b.Run(flavour.name, func(b *testing.B) {
			const rows = 20_000
			body := processEvents(b, rows, flavour.graph)
			t := transform.New(transform.Config{}, slog.New(slog.DiscardHandler))
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				batch, err := t.Transform(b.Context(), pipeline.Dataset{Name: "DeviceProcessEvents"}, pipeline.Page{Body: body, Rows: rows})
				if err != nil {
					b.Fatal(err)
				}
				if batch.Record.NumRows() != rows {
					b.Fatalf("%d rows, rejected: %v", batch.Record.NumRows(), batch.Rejects[0].Reason)
				}
				batch.Release()
			}
		})
	}
}
