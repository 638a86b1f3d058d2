package source_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"hunting-exporter/pipeline"
	"hunting-exporter/schema"
	"hunting-exporter/source"
)

// direct calls a server without a network, so that time can be virtual.
type direct struct{ http.Handler }

func (d direct) RoundTrip(req *http.Request) (*http.Response, error) {
	done := make(chan *http.Response, 1)
	go func() {
		rec := httptest.NewRecorder()
		d.ServeHTTP(rec, req)
		done <- rec.Result()
	}()
	select {
	case resp := <-done:
		return resp, nil
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
}

// credential counts the tokens that it gives out.
type credential struct {
	mu sync.Mutex
	n  int
}

func (c *credential) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return azcore.AccessToken{Token: fmt.Sprintf("token-%d", c.n), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func config(change func(*source.Config)) source.Config {
	c := source.Config{
		API: "graph", Cloud: "public", Concurrency: 4, CallsPerMinute: 100_000, MaxRows: 100_000, Timeout: 4 * time.Minute,
		TenantID: "contoso.test", ClientID: "app", ClientSecret: "unused",
	}
	if change != nil {
		change(&c)
	}
	return c
}

func reader(t testing.TB, h http.Handler, change func(*source.Config)) *source.Reader {
	t.Helper()
	r, err := source.New(config(change), source.Options{HTTP: &http.Client{Transport: direct{h}}, Credential: &credential{}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// fake is a table whose rows are times in ticks, behind the API's limits.
type fake struct {
	rows     []int64 // sorted
	maxRows  int
	maxBytes int                                // 0: no limit
	before   func(n int, w pipeline.Window) int // status to answer with instead; 0: none
	delay    func(n int, w pipeline.Window) time.Duration

	mu    sync.Mutex
	calls []pipeline.Window
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

var times = regexp.MustCompile(`datetime\(([^)]*)\)`)

func asked(req *http.Request) (pipeline.Window, string, error) {
	var q struct{ Query string }
	if err := json.NewDecoder(req.Body).Decode(&q); err != nil {
		return pipeline.Window{}, "", err
	}
	var at []time.Time
	for _, m := range times.FindAllStringSubmatch(q.Query, -1) {
		t, err := time.Parse(time.RFC3339Nano, m[1])
		if err != nil {
			return pipeline.Window{}, "", err
		}
		at = append(at, t)
	}
	if len(at) != 2 {
		return pipeline.Window{}, "", fmt.Errorf("%d times in %q", len(at), q.Query)
	}
	return pipeline.Window{Start: at[0], End: at[1]}, q.Query, nil
}

func (f *fake) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	w, _, err := asked(req)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusTeapot)
		return
	}
	f.mu.Lock()
	f.calls = append(f.calls, w)
	n := len(f.calls)
	f.mu.Unlock()
	if f.delay != nil {
		pause(req.Context(), f.delay(n, w))
	}
	if f.before != nil {
		if status := f.before(n, w); status != 0 {
			rw.WriteHeader(status)
			return
		}
	}
	low, _ := slices.BinarySearch(f.rows, schema.ToTicks(w.Start))
	high, _ := slices.BinarySearch(f.rows, schema.ToTicks(w.End))
	rows := f.rows[low:max(low, high)]
	if f.maxBytes > 0 && 20*len(rows) > f.maxBytes {
		rw.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(rw, `{"error":{"code":"BadRequest","message":"Query execution has exceeded the allowed result size."}}`)
		return
	}
	rows = rows[:min(len(rows), f.maxRows)]
	var b strings.Builder
	b.WriteString(`{"schema":[{"name":"t","type":"Int64"}],"results":[`)
	for i, r := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"t":%019d}`, r)
	}
	b.WriteString(`]}`)
	if !strings.Contains(req.Header.Get("Accept-Encoding"), "gzip") || n%2 == 0 {
		_, _ = io.WriteString(rw, b.String())
		return
	}
	rw.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(rw)
	_, _ = io.WriteString(z, b.String())
	_ = z.Close()
}

// collected is what a Read has handed over.
type collected struct {
	windows []pipeline.Window
	rows    []int64
}

func (c *collected) emit(p pipeline.Page) error {
	defer p.Release()
	var body struct {
		Results []struct {
			T json.Number `json:"t"`
		} `json:"results"`
	}
	text := regexp.MustCompile(`:0+(\d)`).ReplaceAll(p.Body, []byte(":$1"))
	if err := json.Unmarshal(text, &body); err != nil {
		return err
	}
	if len(body.Results) != p.Rows {
		return fmt.Errorf("%s: %d rows, the page says %d", p.Window, len(body.Results), p.Rows)
	}
	for _, row := range body.Results {
		t, err := row.T.Int64()
		if err != nil {
			return err
		}
		if at := schema.FromTicks(t); at.Before(p.Window.Start) || !at.Before(p.Window.End) {
			return fmt.Errorf("%s holds a row of %s", p.Window, at)
		}
		c.rows = append(c.rows, t)
	}
	c.windows = append(c.windows, p.Window)
	return nil
}

// tiles says what keeps the windows from covering w exactly, in order.
func (c *collected) tiles(w pipeline.Window) error {
	at := w.Start
	for _, got := range c.windows {
		if !got.Start.Equal(at) || !got.Start.Before(got.End) {
			return fmt.Errorf("window %s follows %s", got, at)
		}
		at = got.End
	}
	if !at.Equal(w.End) {
		return fmt.Errorf("windows end at %s, want %s", at, w.End)
	}
	return nil
}

var (
	table = pipeline.Dataset{Name: "DeviceProcessEvents", Clock: pipeline.ClockIngestion, TimeColumn: "Timestamp"}
	day   = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
)

func stretch(d time.Duration) pipeline.Window { return pipeline.Window{Start: day, End: day.Add(d)} }

// even is n rows at equal distances.
func even(w pipeline.Window, n int) []int64 {
	from, to := schema.ToTicks(w.Start), schema.ToTicks(w.End)
	rows := make([]int64, n)
	for i := range rows {
		rows[i] = from + (to-from)*int64(i)/int64(n)
	}
	return rows
}
