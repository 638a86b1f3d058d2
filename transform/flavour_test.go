package transform_test

import (
	"encoding/hex"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// One event as both kinds of API encode it.
const (
	eventColumns = "Timestamp DateTime, DeviceId String, IsAdmin SByte, IsGuest SByte, ProcessId Int64, ExitCode Int32, " +
		"Score Double, AgentId Guid, Entities Object, Publisher Object, Empty Object, Additional String"

	legacyEvent = `{"Timestamp":"2026-01-02T03:04:05.6Z","DeviceId":"d1","IsAdmin":1,"IsGuest":null,"ProcessId":9007199254740993,
		"ExitCode":null,"Score":5.5,"AgentId":null,"Entities":[{"type":"User","name":"Zo\u00eb \/ x"},{"type":"Ip"}],
		"Publisher":null,"Empty":{},"Additional":"{\"a\":1}"}`

	graphEvent = `{"Timestamp":"2026-01-02T03:04:05.6000000Z","DeviceId":"d1","IsAdmin@odata.type":"#SByte","IsAdmin":1,"IsGuest":{},
		"ProcessId@odata.type":"#Int64","ProcessId":9007199254740993,"ExitCode":{},"Score":5.50,"AgentId":{},
		"Entities@odata.type":"#Collection(String)",
		"Entities":["{\"type\":\"User\",\"name\":\"Zoë / x\"}","{\"type\": \"Ip\"}"],"Publisher":{},
		"Empty":{"@odata.type":"#microsoft.graph.security.dynamicColumnValue"},"Additional":"{\"a\":1}"}`
)

func TestTheSameRowFromEveryFlavour(t *testing.T) {
	a, b := turn(t, legacy(eventColumns, legacyEvent)), turn(t, graph(eventColumns, graphEvent))
	if !equalBatch(a, b) || len(a.Hashes) != 1 {
		t.Errorf("legacy %v\ngraph %v", cells(a.Record), cells(b.Record))
	}
	want := [][]string{{
		"2026-01-02T03:04:05.6Z", "d1", "true", null, "9007199254740993", null, "5.5", null,
		`[{"type":"User","name":"Zoë / x"},{"type":"Ip"}]`, null, "{}", `{"a":1}`,
	}}
	if diff := cmp.Diff(want, cells(a.Record)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAHashOutlivesTheVersionThatWroteIt(t *testing.T) {
	// Seen runs keep hashes from one run to the next: should this one change, every row
	// within EXPORT_RECONCILE looks new to a new version.
	batch := turn(t, legacy(eventColumns, legacyEvent))
	if got := hex.EncodeToString(batch.Hashes[0][:]); got != "34f91e88aeaca39ad4b19327bf3a4071" {
		t.Errorf("hash %s", got)
	}
}

func TestRowsWithTheSameHash(t *testing.T) {
	base := legacy("A Int32, S String, D Object", `{"A":1,"S":"x","D":{"a":1}}`)
	for name, body := range map[string]string{
		"columns in another order":      legacy("D Object, S String, A Int32", `{"A":1,"S":"x","D":{"a":1}}`),
		"a new column, null":            legacy("A Int32, S String, D Object, N Int64", `{"A":1,"S":"x","D":{"a":1}}`),
		"a new column, empty string":    legacy("A Int32, N String, S String, D Object", `{"A":1,"S":"x","D":{"a":1},"N":""}`),
		"an int that has become a long": legacy("A Int64, S String, D Object", `{"A":1,"S":"x","D":{"a":1}}`),
		"white space and spelling":      legacy("A Int32, S String, D Dynamic", ` { "S":"\u0078", "A":"1" , "D" : {"\u0061": 1} } `),
	} {
		if turn(t, base).Hashes[0] != turn(t, body).Hashes[0] {
			t.Errorf("%s: the hashes differ", name)
		}
	}
}

func TestRowsWithDifferentHashes(t *testing.T) {
	seen := map[[16]byte]string{}
	const cols = "A Int64, B Int64, F Double, T DateTime, X SByte, S String, R String, G Guid, D Object"
	for _, row := range []string{
		`{}`, `{"A":0}`, `{"B":0}`, `{"A":1}`, `{"A":-1}`, `{"F":0}`, `{"F":-0.0}`, `{"F":1}`, `{"T":"1970-01-01T00:00:00Z"}`,
		`{"X":0}`, `{"X":1}`, `{"S":"a"}`, `{"R":"a"}`, `{"S":"a","R":"b"}`, `{"S":"ab"}`, `{"S":"a\u0000"}`, `{"G":""}`, `{"G":"a"}`,
		`{"D":"a"}`, `{"D":""}`, `{"D":{}}`, `{"D":[]}`, `{"D":0}`, `{"A":0,"B":0}`, `{"new":1,"A":null}`, `{"new":2,"A":null}`, `{"D":{"new":1}}`,
	} {
		h := turn(t, legacy(cols, row)).Hashes[0]
		if other, ok := seen[h]; ok {
			t.Errorf("%s and %s have the same hash", row, other)
		}
		seen[h] = row
	}
	// A row's hash does not depend on its neighbours, nor on its place.
	batch := turn(t, legacy(cols, `{"new":9},{"S":"a"},{"A":"bad"},{"S":"a"},{}`))
	if h := batch.Hashes; h[1] != h[2] || seen[h[1]] != `{"S":"a"}` || seen[h[3]] != `{}` {
		t.Errorf("hashes %x", h)
	}
}
