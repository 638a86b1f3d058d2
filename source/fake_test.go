package source_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/setting"
	"hunting-exporter/schema"
	"hunting-exporter/source"
	"hunting-exporter/source/call"
	"hunting-exporter/source/call/calltest"
)

// direct calls a server without a network, so that time can be virtual.
type direct struct{ http.Handler }

func (d direct) RoundTrip(req *http.Request) (*http.Response, error) {
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
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

func config(change func(*call.Config)) call.Config {
	c := setting.WithDefaults(call.Config{CallsPerMinute: 100_000, TenantID: "contoso.test", ClientID: "app", ClientSecret: "unused"})
	if change != nil {
		change(&c)
	}
	return c
}

func reader(t testing.TB, h http.Handler, change func(*call.Config)) *source.Reader {
	t.Helper()
	r, err := source.New(config(change), calltest.Keeper{}, call.Options{HTTP: &http.Client{Transport: direct{h}}, Credential: &credential{}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// fake is a table whose rows are times in ticks, behind the API's limits.
type fake struct {
	rows     []int64 // sorted
	maxRows  int
	maxBytes int                               // 0: no limit
	before   func(n int, w hunting.Window) int // status to answer with instead; 0: none
	delay    func(n int, w hunting.Window) time.Duration

	mu    sync.Mutex
	calls []hunting.Window
	pages int // answers with rows
}

func (f *fake) bodies() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pages
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

var (
	ranges = regexp.MustCompile(`>= datetime\(([^)]*)\) and \w+ < datetime\(([^)]*)\)`)
	sliced = regexp.MustCompile(`hash_xxhash64\(.*, (\d+)\) == (\d+)`)
	binned = regexp.MustCompile(`bin\(\w+, (\d+)(m|s|ms|tick)\)`)
)

// question is what the fake understands of a query.
type question struct {
	windows []hunting.Window
	i, n    int   // slice
	count   bool  // rows are counted
	width   int64 // of a bin in ticks; 0: one for all
}

func asked(req *http.Request) (q question, err error) {
	var body struct{ Query string }
	if err := json.NewDecoder(req.Body).Decode(&body); err != nil {
		return q, err
	}
	for _, m := range ranges.FindAllStringSubmatch(body.Query, -1) {
		start, err1 := time.Parse(time.RFC3339Nano, m[1])
		end, err2 := time.Parse(time.RFC3339Nano, m[2])
		if err := errors.Join(err1, err2); err != nil {
			return q, err
		}
		q.windows = append(q.windows, hunting.Window{Start: start, End: end})
	}
	if len(q.windows) == 0 {
		return q, fmt.Errorf("no times in %q", body.Query)
	}
	if m := sliced.FindStringSubmatch(body.Query); m != nil {
		q.n, _ = strconv.Atoi(m[1])
		q.i, _ = strconv.Atoi(m[2])
	}
	q.count = strings.Contains(body.Query, "count()")
	if m := binned.FindStringSubmatch(body.Query); m != nil {
		n, _ := strconv.ParseInt(m[1], 10, 64)
		q.width = n * map[string]int64{"m": 600_000_000, "s": 10_000_000, "ms": 10_000, "tick": 1}[m[2]]
	}
	return q, nil
}

// count answers a count; a bin begins at a multiple of its width.
func (f *fake) count(rw http.ResponseWriter, q question) {
	bins := map[int64]int{}
	for _, w := range q.windows {
		for _, r := range f.within(w) {
			if q.width == 0 {
				bins[0]++
				continue
			}
			bins[r-r%q.width]++
		}
	}
	var rows []string
	for at, n := range bins {
		rows = append(rows, fmt.Sprintf(`{"Leg":0,"Bin":%q,"Rows":%d}`, schema.FromTicks(at).Format(time.RFC3339Nano), n))
	}
	slices.Sort(rows)
	rows = rows[:min(len(rows), f.maxRows)]
	fmt.Fprintf(rw, `{"schema":[],"results":[%s]}`, strings.Join(rows, ","))
}

func (f *fake) within(w hunting.Window) []int64 {
	low, _ := slices.BinarySearch(f.rows, schema.ToTicks(w.Start))
	high, _ := slices.BinarySearch(f.rows, schema.ToTicks(w.End))
	return f.rows[low:max(low, high)]
}

func (f *fake) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	q, err := asked(req)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusTeapot)
		return
	}
	w := q.windows[0]
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
	if q.count {
		f.count(rw, q)
		return
	}
	rows := f.within(w)
	if q.n > 1 {
		var part []int64
		for at := q.i; at < len(rows); at += q.n {
			part = append(part, rows[at])
		}
		rows = part
	}
	if f.maxBytes > 0 && 20*len(rows) > f.maxBytes {
		rw.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(rw, `{"error":{"code":"BadRequest","message":"Query execution has exceeded the allowed result size."}}`)
		return
	}
	rows = rows[:min(len(rows), f.maxRows)]
	f.mu.Lock()
	f.pages++
	f.mu.Unlock()
	var b strings.Builder
	b.WriteString(`{"schema":[{"name":"t","type":"Int64"}],"results":[`)
	for i, r := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"t":%19d}`, r) // all as long
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
	windows []hunting.Window // read to the end, or gaps
	gaps    []hunting.Gap
	rows    []int64
}

// read reads one window.
func read(ctx context.Context, r *source.Reader, ds hunting.Dataset, w hunting.Window, emit func(hunting.Page) error) error {
	return r.Read(ctx, hunting.Reading{Dataset: ds, Parts: []hunting.Part{{Window: w}}}, emit)
}

func (c *collected) emit(p hunting.Page) error {
	defer p.Release()
	if !p.More {
		c.windows = append(c.windows, p.Window)
	}
	if p.Gap != nil {
		c.gaps = append(c.gaps, *p.Gap)
	}
	if p.Answer.Record == nil {
		return nil
	}
	var body struct {
		Results []struct {
			T int64 `json:"t"`
		} `json:"results"`
	}
	if err := json.Unmarshal(calltest.BodyOf(p.Answer), &body); err != nil {
		return err
	}
	if len(body.Results) != int(p.Answer.Rows()) {
		return fmt.Errorf("%s: %d rows, the page says %d", p.Window, len(body.Results), int(p.Answer.Rows()))
	}
	for _, row := range body.Results {
		if at := schema.FromTicks(row.T); at.Before(p.Window.Start) || !at.Before(p.Window.End) {
			return fmt.Errorf("%s holds a row of %s", p.Window, at)
		}
		c.rows = append(c.rows, row.T)
	}
	return nil
}

// tiles says what keeps the windows from covering w exactly, in order.
func (c *collected) tiles(w hunting.Window) error {
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
	table = hunting.Dataset{Name: "DeviceProcessEvents", Clock: hunting.ClockIngestion, TimeColumn: "Timestamp"}
	day   = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
)

func stretch(d time.Duration) hunting.Window { return hunting.Window{Start: day, End: day.Add(d)} }

// even is n rows at equal distances.
func even(w hunting.Window, n int) []int64 {
	from, to := schema.ToTicks(w.Start), schema.ToTicks(w.End)
	rows := make([]int64, n)
	for i := range rows {
		rows[i] = from + (to-from)*int64(i)/int64(n)
	}
	return rows
}

// same says where rows differ, in few words.
func same(want, got []int64) string {
	for i := range min(len(want), len(got)) {
		if want[i] != got[i] {
			return fmt.Sprintf("row %d of %d is %d, want %d of %d", i, len(got), got[i], want[i], len(want))
		}
	}
	if len(want) != len(got) {
		return fmt.Sprintf("%d rows, want %d", len(got), len(want))
	}
	return ""
}
