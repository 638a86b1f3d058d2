package event_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
	"hunting-exporter/sink/event"
)

const tenant = "11111111-2222-3333-4444-555555555555"

// cell is one column of a one-row batch. A nil value is null.
type cell struct {
	name, apiType string
	value         any
}

func oneRow(cells ...cell) hunting.Batch {
	var fields []arrow.Field
	for _, c := range cells {
		f := field(c.name, c.apiType)
		if strings.Contains(c.name, "=") { // field=API name
			f.Name, c.name, _ = strings.Cut(c.name, "=")
			f.Metadata = arrow.NewMetadata([]string{schema.MetaName, schema.MetaType}, []string{c.name, c.apiType})
		}
		fields = append(fields, f)
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	for i, c := range cells {
		switch v := c.value.(type) {
		case nil:
			b.Field(i).AppendNull()
		case bool:
			b.Field(i).(*array.BooleanBuilder).Append(v)
		case int32:
			b.Field(i).(*array.Int32Builder).Append(v)
		case int64:
			b.Field(i).(*array.Int64Builder).Append(v)
		case float64:
			b.Field(i).(*array.Float64Builder).Append(v)
		case string:
			b.Field(i).(*array.StringBuilder).Append(v)
		case time.Time:
			b.Field(i).(*array.ExtensionBuilder).Builder.(*array.Int64Builder).Append(schema.ToTicks(v))
		}
	}
	return hunting.Batch{Record: b.NewRecord(), Hashes: [][16]byte{{1}}}
}

var (
	noon = time.Date(2026, 3, 1, 12, 0, 0, 581_000_000, time.UTC)
	late = time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC)
)

func record(t *testing.T, ds hunting.Dataset) event.Format {
	t.Helper()
	f, err := event.New(event.Record, ds, tenant)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// events makes an event of each row.
func events(t *testing.T, f event.Format, b hunting.Batch) []event.Event {
	t.Helper()
	if err := f.Bind(b, late); err != nil {
		t.Fatal(err)
	}
	var out []event.Event
	for i := range int(b.Record.NumRows()) {
		e := event.Event{Key: slices.Clone(f.Key(i))}
		f.Add(&e, i)
		f.End(&e)
		headers := slices.Clone(e.Headers)
		for i := range headers {
			headers[i].Value = slices.Clone(headers[i].Value)
		}
		e.Headers = headers
		out = append(out, e)
	}
	return out
}

func between(s, from, to string) string {
	_, s, _ = strings.Cut(s, from)
	s, _, _ = strings.Cut(s, to)
	return s
}

func field(name, apiType string) arrow.Field {
	return arrow.Field{
		Name: name, Type: schema.ArrowType(apiType), Nullable: true,
		Metadata: arrow.NewMetadata([]string{schema.MetaName, schema.MetaType}, []string{name, apiType}),
	}
}
