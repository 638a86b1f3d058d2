package event_test

import (
	"fmt"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/sink/event"
)

// A batch's rows become events, one after the other. Where Add says that an event may take
// more rows, those of the same key can follow before End.
func Example() {
	ds := hunting.Dataset{Name: "EmailEvents", TimeColumn: "Timestamp", Key: "NetworkMessageId"}
	format, err := event.New(event.Record, ds, "contoso")
	if err != nil {
		fmt.Println(err)
		return
	}
	batch := oneRow(cell{"Timestamp", "DateTime", noon}, cell{"NetworkMessageId", "String", "m-1"}, cell{"Subject", "String", "Hello"})
	defer batch.Release()
	if err := format.Bind(batch, time.Now()); err != nil {
		fmt.Println(err)
		return
	}
	var e event.Event
	for row := range int(batch.Record.NumRows()) {
		e.Key = append(e.Key, format.Key(row)...)
		more := format.Add(&e, row)
		format.End(&e)
		fmt.Printf("%s at %s, %d headers, more rows: %v\n%s\n", e.Key, e.Header(event.HeaderTime), len(e.Headers), more, e.Value)
		e.Reset()
	}
	// Output:
	// m-1 at 2026-03-01T12:00:00.5810000Z, 6 headers, more rows: false
	// {"time":"2026-03-01T12:00:00.5810000Z","tenantId":"contoso","operationName":"Publish","category":"AdvancedHunting-EmailEvents","_TimeReceivedBySvc":"2026-03-01T12:00:00.5810000Z","properties":{"Timestamp":"2026-03-01T12:00:00.581Z","NetworkMessageId":"m-1","Subject":"Hello"},"Tenant":"DefaultTenant"}
}
