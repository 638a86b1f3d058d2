package kafka_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
	"hunting-exporter/sink/kafka"
)

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

func value(t *testing.T, ds hunting.Dataset, b hunting.Batch) string {
	t.Helper()
	defer b.Release()
	v, err := kafka.NewEvents(ds, tenant, late).Values(b)
	must(t, err)
	if !json.Valid([]byte(v[0])) {
		t.Errorf("not JSON: %s", v[0])
	}
	return v[0]
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

func TestRecordTimestamp(t *testing.T) {
	for _, c := range []struct {
		name        string
		event, want time.Time
	}{
		{"recent", late.Add(-time.Minute), late.Add(-time.Minute)},
		{"old: retention counts from it", late.Add(-20 * 24 * time.Hour), late},
		{"future: refused by brokers", late.Add(2 * time.Hour), late},
		{"year 1", time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), late},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := kafka.NewEvents(table("EmailEvents"), tenant, late)
			b := oneRow(cell{"Timestamp", "DateTime", c.event})
			defer b.Release()
			v, err := e.Values(b)
			must(t, err)
			if got := e.Timestamp(0); got != c.want.UnixMilli() {
				t.Errorf("timestamp = %s, want %s", time.UnixMilli(got).UTC(), c.want)
			}
			if got := between(v[0], `"time":"`, `"`); got != c.event.Format("2006-01-02T15:04:05.0000000Z") {
				t.Errorf("time in the value = %s, want %s", got, c.event)
			}
		})
	}
}

func TestBatchThatCannotBeEncoded(t *testing.T) {
	b := oneRow(cell{"A", "String", "a"})
	defer b.Release()
	b.Hashes = nil
	if _, err := kafka.NewEvents(table("EmailEvents"), tenant, late).Values(b); err == nil {
		t.Error("a batch without hashes was taken")
	}
}

func TestAppendTime(t *testing.T) {
	for y := 1; y < 10000; y += 7 {
		for _, d := range []time.Time{
			time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(y, 2, 28, 23, 59, 59, 999_999_900, time.UTC),
			time.Date(y, 3, 1, 1, 2, 3, 4500, time.UTC), time.Date(y, 12, 31, 12, 0, 0, 120_000_000, time.UTC),
		} {
			ticks := schema.ToTicks(d)
			if got, want := string(kafka.AppendTime(nil, ticks, false)), d.Format("2006-01-02T15:04:05.0000000Z"); got != want {
				t.Fatalf("full: %s, want %s", got, want)
			}
			if got, want := string(kafka.AppendTime(nil, ticks, true)), d.Format("2006-01-02T15:04:05.9999999Z"); got != want {
				t.Fatalf("cut: %s, want %s", got, want)
			}
		}
	}
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "plain", "<&>'\"\\/", "\x00\x1f\x7f\u2028\u2029é😀", "\xff\xc3(\xed\xa0\x80", "\ufffd"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := kafka.AppendString([]byte("x"), s)[1:]
		if !utf8.Valid(got) {
			t.Fatalf("%q gives %x, which is not UTF-8", s, got)
		}
		var back string
		if err := json.Unmarshal(got, &back); err != nil {
			t.Fatalf("%q: %s is no JSON: %v", s, got, err)
		}
		want, err := json.Marshal(s) // replaces what is not UTF-8 in the same way
		must(t, err)
		var wantBack string
		must(t, json.Unmarshal(want, &wantBack))
		if back != wantBack {
			t.Fatalf("%q reads back as %q, want %q", s, back, wantBack)
		}
		special := strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r == utf8.RuneError }) >= 0
		if !special && string(got) != `"`+s+`"` {
			t.Fatalf("%q is escaped without need: %s", s, got)
		}
	})
}
