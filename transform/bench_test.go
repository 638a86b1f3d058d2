package transform_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/pool"
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

// mostlyDynamic makes an answer of which most is nested JSON that hardly repeats.
func mostlyDynamic(rows int) []byte {
	var b strings.Builder
	b.WriteString(`{"schema":[{"name":"Timestamp","type":"DateTime"},{"name":"ActionType","type":"String"},{"name":"RawEventData","type":"Object"},{"name":"ActivityObjects","type":"Object"}],"results":[`)
	for r := range rows {
		if r > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"Timestamp":"2026-01-02T03:%02d:%02d.%07dZ","ActionType":"FileAccessed","RawEventData":{"Id":"%032x","UserId":"user%d@example.com","ClientIP":"10.0.%d.%d","Operation":"FileAccessed","Size@odata.type":"#Int64","Size":%d,"Paths":["/sites/a/%x","/sites/b/%x"],"Nested":{"Kind":"Document \u00e9","Flags":[true,false,null]}},"ActivityObjects":[{"type":"File","name":"report-%d.docx","role":"Target"},{"type":"Account","id":"%032x"}]}`,
			r/60%60, r%60, r*7919%10_000_000, r*2654435761, r%500, r%255, r%250, r*31, r*48271, r*69621, r, r*40503)
	}
	b.WriteString("]}")
	return []byte(b.String())
}

// BenchmarkDecode is a body in memory to Arrow columns; MB/s are of JSON.
func BenchmarkDecode(b *testing.B) {
	const rows = 100_000
	for _, c := range []struct {
		name string
		body func() []byte
	}{
		{"legacy", func() []byte { return processEvents(b, rows, false) }},
		{"graph", func() []byte { return processEvents(b, rows, true) }},
		{"dynamic", func() []byte { return mostlyDynamic(rows) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			body := c.body()
			var p pool.Pool
			d := transform.NewDecoder(transform.Config{}, &p)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				a, err := d.Decode(b.Context(), hunting.Dataset{Name: "T"}, window, bytes.NewReader(body))
				if err != nil || a.Rows() != rows || len(a.Rejects) > 0 {
					b.Fatalf("%d rows, %v", a.Rows(), err)
				}
				a.Release()
			}
			b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64(p.Peak())/rows, "B/row")
		})
	}
}

// BenchmarkTransform is a page into the dataset's columns, hashed; MB/s are of JSON.
func BenchmarkTransform(b *testing.B) {
	const rows = 100_000
	body := processEvents(b, rows, true)
	a, err := transform.NewDecoder(transform.Config{}, new(pool.Pool)).Decode(b.Context(), hunting.Dataset{Name: "T"}, window, bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	columns, _ := schema.Evolve(nil)
	t := transform.New(transform.Config{}, slog.New(slog.DiscardHandler))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		a.Record.Retain()
		batch, err := t.Transform(b.Context(), hunting.Dataset{Name: "T"}, columns, hunting.Page{Answer: a})
		if err != nil {
			b.Fatal(err)
		}
		batch.Release()
	}
	b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
