package event_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hunting-exporter/hunting"
)

func value(t *testing.T, ds hunting.Dataset, b hunting.Batch) string {
	t.Helper()
	defer b.Release()
	v := events(t, record(t, ds), b)[0].Value
	if !json.Valid(v) {
		t.Errorf("not JSON: %s", v)
	}
	return string(v)
}

func table(name string) hunting.Dataset {
	return hunting.Dataset{Name: name, TimeColumn: "Timestamp"}
}

func TestEnvelope(t *testing.T) { // rules 1 to 5, 13, 15
	got := value(t, table("DeviceEvents"), oneRow(
		cell{"Timestamp", "DateTime", noon}, cell{"DeviceId", "String", "d1"}, cell{"_IngestionTime", "DateTime", late}))
	want := `{"time":"2026-03-01T12:00:00.5810000Z","tenantId":"` + tenant + `","operationName":"Publish","category":"AdvancedHunting-DeviceEvents",` +
		`"_TimeReceivedBySvc":"2026-03-01T13:00:00.0000000Z","properties":{"Timestamp":"2026-03-01T12:00:00.581Z","DeviceId":"d1","MachineGroup":null},"Tenant":"DefaultTenant"}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("value (-want +got):\n%s", diff)
	}
}

func TestEnvelopeTimesStandIn(t *testing.T) {
	for _, c := range []struct {
		name           string
		batch          hunting.Batch
		time, received string
	}{
		{"no ingestion time", oneRow(cell{"Timestamp", "DateTime", noon}), "2026-03-01T12:00:00.5810000Z", "2026-03-01T12:00:00.5810000Z"},
		{"null ingestion time", oneRow(cell{"Timestamp", "DateTime", noon}, cell{"_IngestionTime", "DateTime", nil}), "2026-03-01T12:00:00.5810000Z", "2026-03-01T12:00:00.5810000Z"},
		{"null event time", oneRow(cell{"Timestamp", "DateTime", nil}, cell{"_IngestionTime", "DateTime", late}), "2026-03-01T13:00:00.0000000Z", "2026-03-01T13:00:00.0000000Z"},
		{"neither: the window's end", oneRow(cell{"X", "String", "x"}), "2026-03-01T12:30:00.0000000Z", "2026-03-01T12:30:00.0000000Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.batch.Window.End = time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
			got := value(t, table("EmailEvents"), c.batch)
			if between(got, `"time":"`, `"`) != c.time || between(got, `"_TimeReceivedBySvc":"`, `"`) != c.received {
				t.Errorf("times of %s, want %s and %s", got, c.time, c.received)
			}
		})
	}
}

// TestProperties: rules 2 and 5 to 16, one line each.
func TestProperties(t *testing.T) {
	for _, c := range []struct {
		name, table string
		cells       []cell
		want        string
	}{
		{"2 escaping", "EmailEvents", []cell{{"A", "String", "<a href='x'>&+/é\u2028\"\\\n\x01"}}, `"A":"<a href='x'>&+/é` + "\u2028" + `\"\\\n\u0001"`},
		{"5 seven digits", "EmailEvents", []cell{{"T", "DateTime", noon.Add(hunting.Tick)}}, `"T":"2026-03-01T12:00:00.5810001Z"`},
		{"5 no fraction", "EmailEvents", []cell{{"T", "DateTime", late}}, `"T":"2026-03-01T13:00:00Z"`},
		{"5 null", "EmailEvents", []cell{{"T", "DateTime", nil}}, `"T":null`},
		{"6 dynamic", "CloudAppEvents", []cell{{"RawEventData", "Object", `{"a":[1,null]}`}}, `"RawEventData":{"a":[1,null]}`},
		{"6 dynamic null", "CloudAppEvents", []cell{{"RawEventData", "Object", nil}}, `"RawEventData":null`},
		{"6 text that is JSON", "EmailEvents", []cell{{"AuthenticationDetails", "String", `{"SPF":"pass"}`}}, `"AuthenticationDetails":"{\"SPF\":\"pass\"}"`},
		{"6 the captured exception, nested", "CloudProcessEvents", []cell{{"AdditionalFields", "String", `{"a":1}`}}, `"AdditionalFields":{"a":1}`},
		{"6 the exception with cut JSON", "CloudProcessEvents", []cell{{"AdditionalFields", "String", `{"a":`}}, `"AdditionalFields":"{\"a\":"`},
		{"6 the captured exception, number", "CloudProcessEvents", []cell{{"ParentProcessId", "String", "17"}}, `"ParentProcessId":17`},
		{"6 the exception without a number", "CloudProcessEvents", []cell{{"ParentProcessId", "String", "0x11"}}, `"ParentProcessId":"0x11"`},
		{"7 text with blanks is left alone", "EmailEvents", []cell{{"A", "String", `[ "x" ]`}}, `"A":"[ \"x\" ]"`},
		{"8 integers", "EmailEvents", []cell{{"A", "Int32", int32(-1)}, {"B", "Int64", int64(math.MaxInt64)}}, `"A":-1,"B":9223372036854775807`},
		{"8 reals", "EmailEvents", []cell{{"A", "Double", 0.5}, {"B", "Double", 1e300}, {"C", "Double", math.Inf(1)}, {"D", "Double", nil}}, `"A":0.5,"B":1e+300,"C":null,"D":null`},
		{"9 booleans", "EmailEvents", []cell{{"A", "SByte", true}, {"B", "SByte", false}, {"C", "SByte", nil}}, `"A":true,"B":false,"C":null`},
		{"10 ReportId by its type", "EmailEvents", []cell{{"ReportId", "String", "7-1"}}, `"ReportId":"7-1"`},
		{"10 ReportId by its type", "DeviceInfo", []cell{{"MachineGroup", "String", "g"}, {"ReportId", "Int64", int64(7)}}, `"MachineGroup":"g","ReportId":7`},
		{"11 nulls are present", "EmailEvents", []cell{{"A", "String", nil}, {"B", "Int64", nil}}, `"A":null,"B":null`},
		{"12 empty text", "EmailEvents", []cell{{"Subject", "String", ""}}, `"Subject":null`},
		{"12 empty text that stays", "AlertEvidence", []cell{{"CloudPlatform", "String", ""}}, `"CloudPlatform":"","MachineGroup":null`},
		{"12 only on its table", "AlertInfo", []cell{{"CloudPlatform", "String", ""}}, `"CloudPlatform":null,"MachineGroup":null`},
		{"13 not elsewhere", "IdentityLogonEvents", []cell{{"A", "String", "a"}}, `"A":"a"`},
		{"13 from _extra", "DeviceEvents", []cell{{"A", "String", "a"}, {"_extra", "Object", `{"MachineGroup":"g"}`}}, `"A":"a","MachineGroup":"g"`},
		{"14 its value", "DeviceEvents", []cell{{"MachineGroup", "String", "UnassignedGroup"}}, `"MachineGroup":"UnassignedGroup"`},
		{"15 the API's order", "EmailEvents", []cell{{"B", "String", "b"}, {"A", "String", "a"}}, `"B":"b","A":"a"`},
		{"16 a snapshot table", "DeviceTvmSoftwareInventory", []cell{{"DeviceId", "String", "d"}}, `"DeviceId":"d","MachineGroup":null`},
		{"renamed", "CloudAppEvents", []cell{{"Isp", "String", "x"}}, `"ISP":"x"`},
		{"renamed, the name taken", "CloudAppEvents", []cell{{"Isp", "String", "x"}, {"ISP", "String", "y"}}, `"Isp":"x","ISP":"y"`},
		{"suffixed in the lake", "EmailEvents", []cell{{"LogonId", "String", "1"}, {"LogonID_2=LogonID", "String", "2"}}, `"LogonId":"1","LogonID":"2"`},
		{"changed type, old", "EmailEvents", []cell{{"N", "Int64", int64(1)}, {"B", "SByte", true}, {"N_2=N", "String", nil}}, `"N":1,"B":true`},
		{"changed type, new", "EmailEvents", []cell{{"N", "Int64", nil}, {"B", "SByte", true}, {"N_2=N", "String", "x"}}, `"N":"x","B":true`},
		{"extra keys", "EmailEvents", []cell{{"A", "String", "a"}, {"_extra", "Object", `{"X":{"y":1},"A":2,"Z":null}`}}, `"A":"a","X":{"y":1},"Z":null`},
		{"no extra keys", "EmailEvents", []cell{{"A", "String", "a"}, {"_extra", "Object", nil}}, `"A":"a"`},
		{"ingestion time is no property", "EmailEvents", []cell{{"_IngestionTime", "DateTime", late}}, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := between(value(t, table(c.table), oneRow(c.cells...)), `"properties":{`, `},"Tenant"`)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("properties (-want +got):\n%s", diff)
			}
		})
	}
}

func TestQueryHasNoTableRules(t *testing.T) {
	ds := hunting.Dataset{Name: "AlertEvidence", Query: "T | take 1"}
	got := between(value(t, ds, oneRow(cell{"CloudPlatform", "String", ""})), `"properties":{`, `},"Tenant"`)
	if got != `"CloudPlatform":null` {
		t.Errorf("properties = %s", got)
	}
}

func TestBatchThatCannotBeEncoded(t *testing.T) {
	b := oneRow(cell{"A", "String", "a"})
	defer b.Release()
	b.Hashes = nil
	if err := record(t, table("EmailEvents")).Bind(b, late); err == nil {
		t.Error("a batch without hashes was taken")
	}
}
