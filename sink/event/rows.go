package event

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
)

// rows are a dataset's rows as every format needs them: keys, times, and columns as JSON.
type rows struct {
	dataset hunting.Dataset
	rules   tableRules // none: names and types are the API's
	always  string     // a property that every row has, null where it comes from nowhere; "": none

	schema   string // fingerprint
	columns  []column
	names    map[string]bool // of the properties that columns give
	event    int             // index of the event's own time; -1: none
	ingested int
	keyed    int
	extra    int

	// Of the bound batch.
	batch     hunting.Batch
	eventTime *schema.DateTimeArray
	ingestion *schema.DateTimeArray
	keys      arrow.Array
	keyTexts  schema.Text
	keyIsText bool
	extras    arrow.Array
	extraText schema.Text
	standIn   int64 // for times that are in no column, in ticks
}

// Bind prepares for the rows of b.
func (r *rows) Bind(b hunting.Batch, at time.Time) error {
	if int64(len(b.Hashes)) != b.Record.NumRows() {
		return fmt.Errorf("batch of window %s has %d hashes for %d rows", b.Window, len(b.Hashes), b.Record.NumRows())
	}
	if print := schema.Fingerprint(b.Record.Schema()); r.schema != print {
		r.schema = print
		r.plan(b.Record.Schema())
	}
	r.batch = b
	for i := range r.columns {
		if err := r.columns[i].bind(b.Record); err != nil {
			return err
		}
	}
	r.eventTime, r.ingestion, r.keys, r.extras = nil, nil, nil, nil
	if r.event >= 0 {
		r.eventTime, _ = b.Record.Column(r.event).(*schema.DateTimeArray)
	}
	if r.ingested >= 0 {
		r.ingestion, _ = b.Record.Column(r.ingested).(*schema.DateTimeArray)
	}
	if r.keyed >= 0 {
		r.keys = b.Record.Column(r.keyed)
		r.keyTexts, r.keyIsText = schema.TextOf(r.keys)
	}
	if r.extra >= 0 {
		r.extras = b.Record.Column(r.extra)
		r.extraText, _ = schema.TextOf(r.extras)
	}
	if !b.Window.End.IsZero() {
		at = b.Window.End
	}
	r.standIn = schema.ToTicks(at)
	return nil
}

// plan lays out the columns of a schema: the API's names in the API's order.
func (r *rows) plan(s *arrow.Schema) {
	r.columns, r.names = r.columns[:0], map[string]bool{}
	r.event, r.ingested, r.keyed, r.extra = -1, -1, -1, -1
	at := map[string]int{}
	for i, f := range s.Fields() {
		name := schema.APIName(f)
		switch name {
		case schema.IngestionTime:
			r.ingested = i
			continue
		case schema.Extra:
			r.extra = i
			continue
		case r.dataset.TimeColumn:
			r.event = i
		}
		if name == r.dataset.Key {
			r.keyed = i
		}
		c := newColumn(f, i, r.rules)
		if first, twice := at[name]; twice {
			// The column's type changed: what a row holds is in one of the two.
			r.columns[first].later = append(r.columns[first].later, c)
			continue
		}
		at[name] = len(r.columns)
		r.columns = append(r.columns, c)
	}
	for i := range r.columns {
		name := r.columns[i].name
		if streamed, ok := r.rules.Renamed[name]; ok {
			if _, taken := at[streamed]; !taken {
				name = streamed
			}
		}
		r.names[name] = true
		r.columns[i].label = append(appendString([]byte{','}, name), ':')
	}
}

// Key is what the dataset's key column holds.
func (r *rows) Key(row int) []byte {
	if r.keys == nil || r.keys.IsNull(row) {
		return nil
	}
	if r.keyIsText {
		return r.keyTexts.Value(row)
	}
	return []byte(r.keys.ValueStr(row))
}

// times are the event's own time and when the service stored it. Each stands in for
// the other; without both it is the window's end, or what Bind was given for it.
func (r *rows) times(row int) (event, received int64) {
	hasEvent := r.eventTime != nil && !r.eventTime.IsNull(row)
	hasReceived := r.ingestion != nil && !r.ingestion.IsNull(row)
	switch {
	case hasEvent && hasReceived:
		return r.eventTime.Ticks()[row], r.ingestion.Ticks()[row]
	case hasEvent:
		t := r.eventTime.Ticks()[row]
		return t, t
	case hasReceived:
		t := r.ingestion.Ticks()[row]
		return t, t
	}
	return r.standIn, r.standIn
}

// appendObject appends the row as a JSON object: its columns under the names they are
// given, then the keys that the schema does not name.
func (r *rows) appendObject(dst []byte, row int) []byte {
	start := len(dst)
	for i := range r.columns {
		c := &r.columns[i]
		dst = c.append(append(dst, c.label...), row)
	}
	lacks := r.always != "" && !r.names[r.always]
	if r.extras != nil && !r.extras.IsNull(row) {
		var found bool
		dst, found = r.appendExtra(dst, r.extraText.String(row))
		lacks = lacks && !found
	}
	if lacks {
		dst = append(append(appendString(append(dst, ','), r.always), ':'), null...)
	}
	if len(dst) == start {
		dst = append(dst, ',')
	}
	dst[start] = '{' // in place of the comma before the first property
	return append(dst, '}')
}

// appendExtra appends the keys of a row that its schema did not name, those of
// columns aside: a key must not be there twice. It is rare and need not be fast.
func (r *rows) appendExtra(dst []byte, object string) (out []byte, hasAlways bool) {
	d := json.NewDecoder(strings.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return dst, false
	}
	for d.More() {
		t, err := d.Token()
		key, ok := t.(string)
		if err != nil || !ok {
			break
		}
		var v json.RawMessage
		if d.Decode(&v) != nil {
			break
		}
		if r.names[key] {
			continue
		}
		dst = append(append(appendString(append(dst, ','), key), ':'), v...)
		hasAlways = hasAlways || key == r.always
	}
	return dst, hasAlways
}
