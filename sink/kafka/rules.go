package kafka

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

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
		panic("sink/kafka: embedded stream-format.json: " + err.Error()) // a broken build
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
