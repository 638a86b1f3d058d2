package event

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"hunting-exporter/hunting"
)

// record is the value that Microsoft's streaming export sends: an envelope around the row,
// whose columns follow the stream's rules.
type record struct {
	rows
	cloudEvent
	head, middle []byte // of the value, around the times
}

const recordTail = `,"Tenant":"DefaultTenant"}`

func newRecord(ds hunting.Dataset, tenantID string) Format {
	r := &record{rows: rows{dataset: ds}, cloudEvent: newCloudEvent(ds.Name, tenantID)}
	if ds.Query == "" { // a query may be called like a table, but its columns are its own
		r.rules = loadRules()[ds.Name]
		if addsMachineGroup(ds.Name) {
			r.always = machineGroup
		}
	}
	r.head = []byte(`{"time":"`)
	r.middle = appendString([]byte(`","tenantId":`), tenantID)
	r.middle = append(r.middle, `,"operationName":"Publish","category":`...)
	r.middle = appendString(r.middle, "AdvancedHunting-"+ds.Name)
	r.middle = append(r.middle, `,"_TimeReceivedBySvc":"`...)
	return r
}

// Add makes an event of the row.
func (r *record) Add(e *Event, row int) (more bool) {
	event, received := r.times(row)
	e.Value = append(e.Value, r.head...)
	e.Value = appendTime(e.Value, event, false)
	at := len(e.Value)
	e.Value = appendTime(append(e.Value, r.middle...), received, false)
	e.Value = r.appendObject(append(e.Value, `","properties":`...), row)
	e.Value = append(e.Value, recordTail...)
	e.Headers, e.Time = r.of(r.batch.Hashes[row], e.Value[len(r.head):at]), event
	return false
}

// End has nothing to do: Add completes the event.
func (*record) End(*Event) {}

// stream-format.json holds where Microsoft's streaming export differs from the
// types of the hunting API, by table, as seen in public captures.
//
//go:embed stream-format.json
var streamFormat []byte

// tableRules are one table's exceptions.
type tableRules struct {
	Renamed     map[string]string `json:"renamed"`      // streamed under another name
	EmptyString []string          `json:"empty_string"` // "" stays "", elsewhere it becomes null
	Nested      []string          `json:"nested"`       // text that is streamed as the JSON it holds
	Number      []string          `json:"number"`       // text that is streamed as the number it holds
}

var loadRules = sync.OnceValue(func() map[string]tableRules {
	rules := map[string]tableRules{}
	if err := json.Unmarshal(streamFormat, &rules); err != nil {
		panic("sink/event: embedded stream-format.json: " + err.Error()) // a broken build
	}
	return rules
})

const machineGroup = "MachineGroup"

// addsMachineGroup reports whether the stream adds MachineGroup to the table's rows.
func addsMachineGroup(table string) bool {
	return strings.HasPrefix(table, "Device") || table == "AlertInfo" || table == "AlertEvidence"
}

// textKind says how a text column of the table is streamed.
func (r tableRules) textKind(column string) kind {
	switch {
	case slices.Contains(r.Nested, column):
		return textNested
	case slices.Contains(r.Number, column):
		return textNumber
	case slices.Contains(r.EmptyString, column):
		return textKeepEmpty
	}
	return text
}
