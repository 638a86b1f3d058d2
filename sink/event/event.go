// Package event turns the rows of batches into events: the value, the key, the headers
// and the time of what one record of a log holds. It knows no log, no Kafka either.
//
// A Format is bound to a batch and appends rows to events. It decides how many rows make
// an event; the log decides how large one may become.
package event

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hunting-exporter/hunting"
)

// Record is the format of Microsoft's own streaming export.
const Record = "record"

// formats are the formats by name, in the order in which they are offered.
var formats = []struct {
	name string
	make func(ds hunting.Dataset, tenantID string) Format
}{
	{Record, newRecord},
}

// Names returns the names of all formats.
func Names() []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

// Name is the name of a format, as it is set.
type Name string

// Values are the names there are.
func (Name) Values() []string { return Names() }

// New returns the format of that name for a tenant's dataset.
func New(name string, ds hunting.Dataset, tenantID string) (Format, error) {
	for _, f := range formats {
		if f.name == name {
			return f.make(ds, tenantID), nil
		}
	}
	return nil, fmt.Errorf("unknown event format %q; choose one of %s", name, strings.Join(Names(), ", "))
}

// Format encodes the rows of one dataset. It is used by one goroutine at a time.
type Format interface {
	// Bind prepares for the rows of b, which must outlive the calls for them. The time
	// at stands in for that of rows without one.
	Bind(b hunting.Batch, at time.Time) error
	// Key says which rows belong together and stay in order; nil: any. It is valid until
	// the next call.
	Key(row int) []byte
	// Add appends the row to an event that holds nothing but a key yet, or rows of the
	// same dataset. It reports whether e may take more of them.
	Add(e *Event, row int) (more bool)
	// End completes e, whose rows may be of batches bound before.
	End(e *Event)
}

// Event is what a record of a log holds. Key and Value belong to whoever made the Event,
// Headers to the Format until its next call.
type Event struct {
	Key     []byte // of its first row, unless the format has another; empty: none
	Value   []byte // only ever appended to
	Headers []Header
	Time    int64 // the event's own, in ticks; of several rows the first's
}

// Reset empties e for other rows.
func (e *Event) Reset() {
	*e = Event{Key: e.Key[:0], Value: e.Value[:0]}
}

// Header is one of an event's headers.
type Header struct {
	Key   string
	Value []byte
}

// Header returns the value of the header called key; nil: e has none.
func (e *Event) Header(key string) []byte {
	i := slices.IndexFunc(e.Headers, func(h Header) bool { return h.Key == key })
	if i < 0 {
		return nil
	}
	return e.Headers[i].Value
}
