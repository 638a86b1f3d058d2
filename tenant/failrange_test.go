package tenant_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"hunting-exporter/tenant"
)

func TestFailRangeRefusesRowsAndNotCounts(t *testing.T) {
	tn := tenant.New(tenant.Options{Now: fixed, CallsPerMinute: -1})
	seed(t, tn, 600, "AlertInfo", "DeviceEvents")
	from, to := noon.Add(-6*time.Hour), noon.Add(-5*time.Hour)
	tn.FailRange("AlertInfo", from, to, tenant.Call.LimitsExceeded)
	var refused tenant.Call
	tn.FailRange("AlertInfo", to, to.Add(time.Minute), func(k tenant.Call) tenant.Fault {
		refused = k
		return k.GatewayTimeout()
	})
	c := serve(t, tn)
	window := func(from, to time.Time) string {
		return fmt.Sprintf("AlertInfo | extend _T = ingestion_time() | where _T >= %s and _T < %s", literal(from), literal(to))
	}
	for _, tc := range []struct {
		query  string
		status int
		want   string
	}{
		{"AlertInfo", 400, ""},
		{window(from, to), 400, "exceeded the allowed limits"},
		{window(from.Add(-time.Hour), from.Add(5*time.Minute)), 400, "exceeded the allowed limits"},
		{window(from, to) + " | sort by Timestamp asc | project Title | take 1", 400, "exceeded the allowed limits"},
		{window(to, to.Add(time.Minute)), 504, ""},
		{window(from, from), 200, ""},
		{window(from.Add(-time.Hour), from), 200, ""},
		{window(to.Add(time.Minute), noon), 200, ""},
		{window(from, to) + " | where Title == 'nothing'", 200, ""},
		{window(from, to) + " | count", 200, ""},
		{window(from, to) + " | summarize Rows = count() by bin(_T, 1m)", 200, ""},
		{window(from, to) + " | summarize max(Title)", 200, ""},
		{"union (" + window(from, to) + " | count), (DeviceEvents | take 3)", 200, ""},
		{"union (" + window(from, to) + "), (DeviceEvents | take 3)", 400, "exceeded the allowed limits"},
		{"DeviceEvents", 200, ""},
	} {
		for _, path := range flavours {
			status, body := c.query(path, tc.query)
			if status != tc.status || !strings.Contains(body, tc.want) {
				t.Errorf("%s: %s\n%d %.300s; want %d %s", path, tc.query, status, body, tc.status, tc.want)
			}
			if path == graph && status != 200 && !strings.Contains(body, "innerError") {
				t.Errorf("%s: not in Graph's form: %s", tc.query, body)
			}
		}
	}
	if refused.Query != window(to, to.Add(time.Minute)) || refused.API != "mde" || refused.N == 0 {
		t.Errorf("the refused call was shown as %+v", refused)
	}
	if calls := tn.Calls(); calls.Failed != 6*len(flavours) {
		t.Errorf("%d failed calls, want %d", calls.Failed, 6*len(flavours))
	}
	if err := tn.Run(t.Context(), io.Discard, "AlertInfo"); err == nil {
		t.Error("Run returned rows of the range")
	}
	tn.Restore("AlertInfo")
	if rows := c.rows("AlertInfo"); len(rows) != 600 {
		t.Errorf("after Restore: %d rows, want 600", len(rows))
	}
}

// Slices of a failing window that hold none of its rows are delivered.
func TestFailRangeHitsTheSlicesThatHoldIt(t *testing.T) {
	tn := tenant.New(tenant.Options{Now: fixed, CallsPerMinute: -1})
	seed(t, tn, 400, "ExposureGraphNodes")
	var at time.Time
	for r := range tn.Rows("ExposureGraphNodes").Rows {
		at = r.Ingested
	}
	tn.FailRange("ExposureGraphNodes", at, at.Add(100), tenant.Call.ResultTooLarge)
	c := serve(t, tn)
	refused := 0
	for i := range 8 {
		if status, _ := c.query(graph, fmt.Sprintf("ExposureGraphNodes | where hash_xxhash64(tostring(pack_all()), 8) == %d", i)); status == 400 {
			refused++
		}
	}
	if refused != 1 {
		t.Errorf("%d slices refused for a single row, want 1", refused)
	}
}

func TestFailRangeThatRefusesNothing(t *testing.T) {
	tn := tenant.New(tenant.Options{Now: fixed, CallsPerMinute: -1})
	seed(t, tn, 10, "AlertInfo")
	left := 2
	tn.FailRange("AlertInfo", noon.Add(-24*time.Hour), noon, func(k tenant.Call) tenant.Fault {
		if left--; left < 0 {
			return tenant.Fault{}
		}
		return k.BadGateway()
	})
	c := serve(t, tn)
	for i, want := range []int{502, 502, 200, 200} {
		if status, body := c.query(graph, "AlertInfo"); status != want || (want == 200) != strings.Contains(body, `"results":[{`) {
			t.Errorf("call %d: %d %.100s, want %d", i, status, body, want)
		}
	}
}

func TestCapsChangeWhileServing(t *testing.T) {
	tn := tenant.New(tenant.Options{Now: fixed, CallsPerMinute: -1})
	seed(t, tn, 100, "AlertInfo")
	c := serve(t, tn)
	for _, tc := range []struct {
		rows  int
		bytes int64
		want  string
	}{{0, 0, "200 100"}, {30, 0, "200 30"}, {0, 3000, "400 0"}, {3, 3000, "200 3"}, {0, 0, "200 100"}} {
		tn.SetMaxRows(tc.rows)
		tn.SetMaxBytes(tc.bytes)
		status, body := c.query(m365d, "AlertInfo")
		if got := fmt.Sprint(status, " ", strings.Count(body, `"AlertId"`)-strings.Count(body, `"Name":"AlertId"`)); got != tc.want {
			t.Errorf("caps of %d and %d: %s, want %s", tc.rows, tc.bytes, got, tc.want)
		}
	}
	tn.SetMaxRows(30)
	if n := c.rows("AlertInfo | count")[0]["Count"]; fmt.Sprint(n) != "100" {
		t.Errorf("count %v under a cap of 30, want 100", n)
	}
}

// SizeOnly rows are no smaller to the size cap than what they stand for, and what is
// computed stays.
func TestSizeOnlyRows(t *testing.T) {
	full := tenant.New(tenant.Options{Now: fixed, CallsPerMinute: -1})
	hollow := tenant.New(tenant.Options{Now: fixed, CallsPerMinute: -1, SizeOnly: true})
	for _, tn := range []*tenant.Tenant{full, hollow} {
		seed(t, tn, 300, "DeviceProcessEvents")
	}
	cf, ch := serve(t, full), serve(t, hollow)
	for _, path := range flavours {
		columns, rows := ch.answer(path, "DeviceProcessEvents | extend _IngestionTime = ingestion_time()")
		wantColumns, _ := cf.answer(path, "DeviceProcessEvents | extend _IngestionTime = ingestion_time()")
		if len(rows) != 300 || fmt.Sprint(columns) != fmt.Sprint(wantColumns) {
			t.Errorf("%s: %d rows of %v", path, len(rows), columns)
		}
		for _, r := range rows {
			if len(r) != 0 {
				t.Fatalf("%s: a row that is not hollow: %v", path, r)
			}
		}
		logs := [2][]tenant.Record{full.Calls().Log, hollow.Calls().Log}
		want, got := logs[0][len(logs[0])-1].Bytes, logs[1][len(logs[1])-1].Bytes
		if diff := float64(got)/float64(want) - 1; diff < -0.05 || diff > 0.05 {
			t.Errorf("%s: guessed %d bytes where there are %d", path, got, want)
		}
	}
	got := fmt.Sprint(ch.rows("DeviceProcessEvents | summarize n = count() by bin(Timestamp, 1d), ActionType"))
	if want := fmt.Sprint(cf.rows("DeviceProcessEvents | summarize n = count() by bin(Timestamp, 1d), ActionType")); got != want {
		t.Errorf("counts: %s, want %s", got, want)
	}
	for _, rows := range []int{50, 250} {
		query := fmt.Sprintf("DeviceProcessEvents | take %d", rows)
		cf.rows(query)
		log := full.Calls().Log
		size := log[len(log)-1].Bytes
		for limit, want := range map[int64]int{size * 9 / 10: 400, size * 11 / 10: 200} {
			hollow.SetMaxBytes(limit)
			if status, _ := ch.query(m365d, query); status != want {
				t.Errorf("%d rows of %d bytes under a cap of %d: %d, want %d", rows, size, limit, status, want)
			}
		}
	}
}
