package tenant_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"hunting-exporter/tenant"
)

// clockOf is a clock that a test moves.
type clockOf struct {
	mu sync.Mutex
	at time.Time
}

func (c *clockOf) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clockOf) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func TestRowsPastTheCapAreCutSilently(t *testing.T) {
	tn := tenant.New(tenant.Options{Now: fixed, CallsPerMinute: -1, MaxRows: 100})
	err := tn.Seed(tenant.Seed{
		Tables: []string{"DeviceEvents"}, Rows: 101, From: noon.Add(-9 * time.Hour), To: noon.Add(-8 * time.Hour),
		Lag: func(int) time.Duration { return time.Minute },
	})
	if err != nil {
		t.Fatal(err)
	}
	c := serve(t, tn)
	rows := c.rows("DeviceEvents")
	if len(rows) != 100 {
		t.Fatalf("%d rows, want the cap of 100", len(rows))
	}
	sorted := true
	for i := 1; i < len(rows); i++ {
		sorted = sorted && rows[i-1]["Timestamp"].(string) <= rows[i]["Timestamp"].(string)
	}
	if sorted {
		t.Error("an answer without sort came in order of time")
	}
	if n := c.rows("DeviceEvents | count")[0]["Count"]; fmt.Sprint(n) != "101" {
		t.Errorf("count %v, want 101", n)
	}
	if log := tn.Calls().Log; !log[0].Truncated || log[1].Truncated {
		t.Errorf("Truncated is %v and %v, want true and false", log[0].Truncated, log[1].Truncated)
	}
}

func TestResultsOverTheSizeCapAreRefused(t *testing.T) {
	tn := tenant.New(tenant.Options{Now: fixed, CallsPerMinute: -1, MaxBytes: 10_000})
	if err := tn.Seed(tenant.Seed{Tables: []string{"DeviceEvents"}, Rows: 50}); err != nil {
		t.Fatal(err)
	}
	c := serve(t, tn)
	for _, path := range []string{graph, m365d, mde} {
		status, body := c.query(path, "DeviceEvents")
		want := "Query execution has exceeded the allowed result size. Optimize your query by limiting the number of results and try again"
		if status != 400 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, _ := c.query(graph, "DeviceEvents | take 2"); status != 200 {
		t.Errorf("two rows: %d", status)
	}
}

func TestCallQuota(t *testing.T) {
	clk := &clockOf{at: noon}
	tn := tenant.New(tenant.Options{Now: clk.now, CallsPerHour: 100})
	if err := tn.Seed(tenant.Seed{Tables: []string{"AlertInfo"}, Rows: 1}); err != nil {
		t.Fatal(err)
	}
	c := serve(t, tn)
	ask := func() (int, string) { return c.query(m365d, "AlertInfo | count") }
	for i := range 45 {
		if status, body := ask(); status != 200 {
			t.Fatalf("call %d: %d %s", i, status, body)
		}
		clk.advance(time.Second)
	}
	status, body := ask()
	want := `"message":"API calls quota exceeded! maximum allowed 45 per 00:01:00 for the key Destination+TenantID+AppID. You can send requests again in 15 seconds."`
	if status != 429 || !strings.Contains(body, want) || !strings.Contains(body, `"code":"429"`) {
		t.Errorf("46th call: %d %s", status, body)
	}
	clk.advance(15 * time.Second)
	if status, body := ask(); status != 200 {
		t.Errorf("after the wait: %d %s", status, body)
	}
	clk.advance(time.Minute)
	for range 45 {
		ask()
	}
	if status, body := ask(); status != 429 || !strings.Contains(body, "again in 60 seconds") {
		t.Errorf("46th call of another minute: %d %s", status, body)
	}
	clk.advance(time.Minute)
	for range 9 {
		ask()
	}
	if status, body := ask(); status != 429 || !strings.Contains(body, "100 per 01:00:00") {
		t.Errorf("101st call of the hour: %d %s", status, body)
	}
	if got := tn.Calls(); got.Throttled != 3 || got.Answered != 100 || got.Token != 1 {
		t.Errorf("calls: %d throttled, %d answered, %d token; want 3, 100, 1", got.Throttled, got.Answered, got.Token)
	}
}

func TestRowsBecomeVisibleWithTime(t *testing.T) {
	clk := &clockOf{at: noon}
	tn := tenant.New(tenant.Options{Now: clk.now, CallsPerMinute: -1})
	cells := func(s string) []any { return []any{s} }
	cols := tableOf("Name")
	err := tn.Add("Late", cols, tenant.Row{Ingested: noon, Cells: cells("now")}, tenant.Row{Ingested: noon.Add(100), Cells: cells("a tick later")},
		tenant.Row{Ingested: noon.Add(-30*24*time.Hour - 100), Cells: cells("too old")})
	if err != nil {
		t.Fatal(err)
	}
	c := serve(t, tn)
	if got := fmt.Sprint(c.rows("Late")); got != "[map[Name:now]]" {
		t.Errorf("at noon: %s", got)
	}
	clk.advance(100)
	c.token = map[string]string{}
	if got := len(c.rows("Late")); got != 2 {
		t.Errorf("a tick later: %d rows, want 2", got)
	}
	clk.advance(31 * 24 * time.Hour)
	c.token = map[string]string{}
	if got := len(c.rows("Late")); got != 0 {
		t.Errorf("a month later: %d rows, want none", got)
	}
}

func TestGraphTimespanNarrows(t *testing.T) {
	tn := tenant.New(tenant.Options{Now: fixed, CallsPerMinute: -1})
	err := tn.Seed(tenant.Seed{
		Tables: []string{"DeviceEvents"}, Rows: 300, From: noon.Add(-3 * time.Hour), To: noon,
		Lag: func(int) time.Duration { return 0 },
	})
	if err != nil {
		t.Fatal(err)
	}
	c := serve(t, tn)
	for timespan, want := range map[string]string{
		"PT1H": "count1", "2026-08-20T11:00:00Z/2026-08-20T12:00:00Z": "count1",
		"2026-08-20T11:00:00Z/PT1H": "count1", "P1D": "300", "PT3H/2026-08-20T08:00:00Z": "0", "bogus": "Invalid Timespan",
	} {
		if want == "count1" {
			n := c.rows("DeviceEvents | where Timestamp >= ago(1h) | count")[0]["Count"]
			want = fmt.Sprintf(`"Count":%v}`, n)
		}
		req, err := http.NewRequest(http.MethodPost, c.url+graph, strings.NewReader(fmt.Sprintf(`{"Query":"DeviceEvents | count","Timespan":%q}`, timespan)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+c.authorized(graph))
		if got := c.do(req); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", timespan, got, want)
		}
	}
}

func TestColumnsMayChange(t *testing.T) {
	tn := tenant.New(tenant.Options{Now: fixed, CallsPerMinute: -1})
	if err := tn.Seed(tenant.Seed{Tables: []string{"AlertInfo"}, Rows: 3}); err != nil {
		t.Fatal(err)
	}
	c := serve(t, tn)
	before := tn.Rows("AlertInfo").Columns
	cols := append(before[:len(before):len(before)], tableOf("Brand")...)
	cols[0], cols[1] = cols[1], cols[0]
	if err := tn.SetColumns("AlertInfo", cols[:]); err != nil {
		t.Fatal(err)
	}
	got := c.rows("AlertInfo | getschema")
	if len(got) != len(before)+1 || got[0]["ColumnName"] != before[1].Name || got[len(before)]["ColumnName"] != "Brand" {
		t.Errorf("schema after the change: %v", got)
	}
	if err := tn.WithoutIngestionTime("AlertInfo"); err != nil {
		t.Fatal(err)
	}
	if n := c.rows("AlertInfo | where isnull(ingestion_time()) | count")[0]["Count"]; fmt.Sprint(n) != "3" {
		t.Errorf("%v rows with a null ingestion time, want 3", n)
	}
	tn.Drop("AlertInfo")
	if status, body := c.query(m365d, "AlertInfo"); status != 400 || !strings.Contains(body, "named 'AlertInfo'") {
		t.Errorf("dropped table: %d %s", status, body)
	}
}

func TestDuplicatesAndBursts(t *testing.T) {
	tn := tenant.New(tenant.Options{Now: fixed, CallsPerMinute: -1})
	at := noon.Add(-time.Hour)
	err := tn.Seed(tenant.Seed{
		Tables: []string{"DeviceEvents"}, Rows: 100, From: at, To: at, Duplicates: 10,
		Lag: func(int) time.Duration { return time.Minute },
	})
	if err != nil {
		t.Fatal(err)
	}
	truth := tn.Rows("DeviceEvents")
	different := map[string]int{}
	for r := range truth.Rows {
		if !r.Event.Equal(at) || !r.Ingested.Equal(at.Add(time.Minute)) {
			t.Fatalf("a row of %v, ingested %v", r.Event, r.Ingested)
		}
		different[canonicalRow(truth.Columns, r)]++
	}
	if len(different) != 90 {
		t.Errorf("%d different rows, want 90", len(different))
	}
	c := serve(t, tn)
	got := c.rows(`DeviceEvents | where ingestion_time() == datetime(2026-08-20T11:01:00Z) | count`)
	if fmt.Sprint(got[0]["Count"]) != "100" {
		t.Errorf("in the tick: %v", got)
	}
}
