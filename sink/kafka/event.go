package kafka

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/apache/arrow/go/v15/arrow"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
)

// eventEncoder turns a dataset's rows into events: key, value and headers.
type eventEncoder struct {
	dataset hunting.Dataset
	now     func() time.Time
	rules   tableRules
	group   bool // add MachineGroup

	head, middle []byte // of the value, around the times
	headers      []byte // those that are the same for every event
	headerCount  int64

	schema   string // fingerprint
	columns  []column
	names    map[string]bool // streamed names of columns
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
	bound     int64 // when the batch was bound, in ticks

	value, keyText []byte // reused
}

// recent is how old an event may be for its record to bear its own time.
const recent = 3600 * ticksPerSecond

const tail = `},"Tenant":"DefaultTenant"}`

func newEventEncoder(ds hunting.Dataset, tenantID string, now func() time.Time) *eventEncoder {
	e := &eventEncoder{dataset: ds, now: now}
	if ds.Query == "" { // a query may be called like a table, but its columns are its own
		e.rules, e.group = loadRules()[ds.Name], addsMachineGroup(ds.Name)
	}
	e.head = []byte(`{"time":"`)
	e.middle = appendString([]byte(`","tenantId":`), tenantID)
	e.middle = append(e.middle, `,"operationName":"Publish","category":`...)
	e.middle = appendString(e.middle, "AdvancedHunting-"+ds.Name)
	e.middle = append(e.middle, `,"_TimeReceivedBySvc":"`...)
	for _, h := range [][2]string{
		{"ce_specversion", "1.0"},
		{"ce_type", "com.microsoft.defender.hunting." + ds.Name},
		{"ce_source", "/tenants/" + tenantID + "/tables/" + ds.Name},
		{"content-type", "application/json"},
	} {
		e.headers = appendBytes(appendBytes(e.headers, []byte(h[0])), []byte(h[1]))
		e.headerCount++
	}
	e.headerCount += 2 // ce_id, ce_time
	return e
}

// bind prepares for the rows of b. The batch must outlive the calls for its rows.
func (e *eventEncoder) bind(b hunting.Batch) error {
	if int64(len(b.Hashes)) != b.Record.NumRows() {
		return fmt.Errorf("batch of window %s has %d hashes for %d rows", b.Window, len(b.Hashes), b.Record.NumRows())
	}
	if print := schema.Fingerprint(b.Record.Schema()); e.schema != print {
		e.schema = print
		e.plan(b.Record.Schema())
	}
	e.batch = b
	for i := range e.columns {
		if err := e.columns[i].bind(b.Record); err != nil {
			return err
		}
	}
	e.eventTime, e.ingestion, e.keys, e.extras = nil, nil, nil, nil
	if e.event >= 0 {
		e.eventTime, _ = b.Record.Column(e.event).(*schema.DateTimeArray)
	}
	if e.ingested >= 0 {
		e.ingestion, _ = b.Record.Column(e.ingested).(*schema.DateTimeArray)
	}
	if e.keyed >= 0 {
		e.keys = b.Record.Column(e.keyed)
		e.keyTexts, e.keyIsText = schema.TextOf(e.keys)
	}
	if e.extra >= 0 {
		e.extras = b.Record.Column(e.extra)
		e.extraText, _ = schema.TextOf(e.extras)
	}
	e.bound = schema.ToTicks(e.now())
	return nil
}

// plan lays out the columns of a schema: the API's names in the API's order.
func (e *eventEncoder) plan(s *arrow.Schema) {
	e.columns, e.names = e.columns[:0], map[string]bool{}
	e.event, e.ingested, e.keyed, e.extra = -1, -1, -1, -1
	at := map[string]int{}
	for i, f := range s.Fields() {
		name := schema.APIName(f)
		switch name {
		case schema.IngestionTime:
			e.ingested = i
			continue
		case schema.Extra:
			e.extra = i
			continue
		case e.dataset.TimeColumn:
			e.event = i
		}
		if name == e.dataset.Key {
			e.keyed = i
		}
		c := newColumn(f, i, e.rules)
		if first, twice := at[name]; twice {
			// The column's type changed: what a row holds is in one of the two.
			e.columns[first].later = append(e.columns[first].later, c)
			continue
		}
		at[name] = len(e.columns)
		e.columns = append(e.columns, c)
	}
	for i := range e.columns {
		name := e.columns[i].name
		if streamed, ok := e.rules.Renamed[name]; ok {
			if _, taken := at[streamed]; !taken {
				name = streamed
			}
		}
		e.names[name] = true
		e.columns[i].label = append(appendString([]byte{','}, name), ':')
	}
}

// keyOf is the row's key; nil: none. It is valid until the next call.
func (e *eventEncoder) keyOf(row int) []byte {
	if e.keys == nil || e.keys.IsNull(row) {
		return nil
	}
	if e.keyIsText {
		e.keyText = append(e.keyText[:0], e.keyTexts.Value(row)...)
	} else {
		e.keyText = append(e.keyText[:0], e.keys.ValueStr(row)...)
	}
	return e.keyText
}

// times are the event's own time and when the service stored it. Each stands in for
// the other; without both it is the window's end.
func (e *eventEncoder) times(row int) (event, received int64) {
	hasEvent := e.eventTime != nil && !e.eventTime.IsNull(row)
	hasReceived := e.ingestion != nil && !e.ingestion.IsNull(row)
	switch {
	case hasEvent && hasReceived:
		return e.eventTime.Ticks()[row], e.ingestion.Ticks()[row]
	case hasEvent:
		t := e.eventTime.Ticks()[row]
		return t, t
	case hasReceived:
		t := e.ingestion.Ticks()[row]
		return t, t
	}
	t := e.bound
	if !e.batch.Window.End.IsZero() {
		t = schema.ToTicks(e.batch.Window.End)
	}
	return t, t
}

// timestamp is the record's, in milliseconds: the event's own time where that is
// recent, else now. Retention counts from it, so that an old event would be deleted
// soon after it arrived; and brokers refuse records from the future.
func (e *eventEncoder) timestamp(row int) int64 {
	event, _ := e.times(row)
	if event > e.bound || event < e.bound-recent {
		event = e.bound
	}
	return event / ticksPerMilli
}

// appendTail appends the row as a record holds it from its key on.
func (e *eventEncoder) appendTail(dst, key []byte, row int) []byte {
	event, received := e.times(row)
	if len(key) == 0 {
		dst = binary.AppendVarint(dst, -1)
	} else {
		dst = appendBytes(dst, key)
	}
	e.value = e.appendValue(e.value[:0], event, received, row)
	dst = appendBytes(dst, e.value)

	dst = binary.AppendVarint(dst, e.headerCount)
	dst = append(dst, e.headers...)
	dst = appendBytes(dst, []byte("ce_id"))
	hash := &e.batch.Hashes[row]
	dst = binary.AppendVarint(dst, int64(hex.EncodedLen(len(hash))))
	dst = hex.AppendEncode(dst, hash[:])
	dst = appendBytes(dst, []byte("ce_time"))
	e.value = appendTime(e.value[:0], event, false)
	return appendBytes(dst, e.value)
}

// appendValue appends the envelope of the streaming export around the row.
func (e *eventEncoder) appendValue(dst []byte, event, received int64, row int) []byte {
	dst = appendTime(append(dst, e.head...), event, false)
	dst = appendTime(append(dst, e.middle...), received, false)
	dst = append(dst, `","properties":`...)
	start := len(dst)
	for i := range e.columns {
		c := &e.columns[i]
		dst = c.append(append(dst, c.label...), row)
	}
	group := e.group && !e.names[machineGroup]
	if e.extras != nil && !e.extras.IsNull(row) {
		var found bool
		dst, found = appendExtra(dst, e.extraText.String(row), e.names)
		group = group && !found
	}
	if group {
		dst = append(dst, `,"`+machineGroup+`":null`...)
	}
	if len(dst) == start {
		dst = append(dst, ',')
	}
	dst[start] = '{' // in place of the comma before the first property
	return append(dst, tail...)
}
