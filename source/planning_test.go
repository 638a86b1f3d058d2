package source_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"hunting-exporter/hunting"
	"hunting-exporter/pipeline/ledger"
	"hunting-exporter/schema"
	"hunting-exporter/source"
	"hunting-exporter/source/call"
	"hunting-exporter/source/call/calltest"
	"hunting-exporter/tenant"
	"hunting-exporter/tenant/rows"
)

// What is planned at full size takes minutes; unit tests take a part of it, of rows without
// cells.
var (
	planCap   = flag.Int("plan-cap", 20_000, "rows of an answer")
	planRows  = flag.Int("plan-rows", 250_000, "rows of the backfill that the row cap binds")
	planHeavy = flag.Int("plan-heavy", 400_000, "rows of the backfill that the byte cap binds")
	planCells = flag.Bool("plan-cells", false, "these with their cells")
	planRuns  = flag.Int("plan-runs", 3, "runs of the CronJob")
)

const (
	byteCap = 50_000_000
	oneDay  = 24 * time.Hour
)

// TestBackfillPlan reads 30 days with office hours and bursts at once, against the fewest
// calls there can be and fixed windows that are halved when an answer does not fit.
func TestBackfillPlan(t *testing.T) {
	t.Run("row cap", func(t *testing.T) {
		onWednesday(t, func(t *testing.T) { backfill(t, newSite(true), "AlertInfo", *planRows) })
	})
	t.Run("byte cap", func(t *testing.T) {
		onWednesday(t, func(t *testing.T) {
			s := newSite(!*planCells)
			if !*planCells {
				s.weigh()
			}
			backfill(t, s, "DeviceProcessEvents", *planHeavy)
		})
	})
}

// onWednesday plans at noon of always the same day, since rows come in by office hours.
func onWednesday(t *testing.T, plan func(t *testing.T)) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2000, 1, 5, 12, 0, 0, 0, time.UTC)))
		plan(t)
	})
}

func officeBursts(seed uint64) func(time.Time) float64 {
	return rows.WithBursts(rows.OfficeHours, 12*time.Hour, seed)
}

func backfill(t *testing.T, s *site, table string, rows int) {
	now := time.Now().UTC().Truncate(time.Hour)
	from := now.Add(-30 * oneDay).Add(3 * time.Hour) // what is older may expire while it is read
	s.seed(t, tenant.Seed{
		Tables: []string{table}, Rows: rows, From: from, To: now, Seed: 7,
		Shape: officeBursts(7), Lag: func(int) time.Duration { return 0 },
	})
	r := s.reader(t)
	defer r.Close()
	w := hunting.Window{Start: from, End: now.Add(time.Minute)}
	var fills []float64
	var got, bytes int
	err := r.Read(context.Background(), hunting.Reading{Dataset: dataset(table), Parts: []hunting.Part{{Window: w}}}, func(p hunting.Page) error {
		defer p.Release()
		if p.Gap != nil {
			return fmt.Errorf("gap: %s", p.Gap.Reason)
		}
		got, bytes = got+int(p.Answer.Rows()), bytes+int(p.Answer.Bytes)
		fills = append(fills, max(float64(p.Answer.Rows())/float64(*planCap), float64(p.Answer.Bytes)/byteCap))
		return nil
	})
	if err != nil || got != rows {
		t.Fatalf("%d rows of %d: %v", got, rows, err)
	}
	perAnswer := min(*planCap-1, byteCap/(bytes/rows))
	fewest := max(ceil(rows, *planCap-1), ceil(bytes, byteCap))
	clocks := s.clocks(table)
	slices.Sort(fills)
	ratio := float64(r.Calls()) / float64(fewest)
	t.Logf("%d rows, %.1f GB: %d calls, %d of them counts, %d at the least: %.3f; windows filled to %.2f (median), %.2f (10 %%); fixed windows of 1h %.2f, of 15m %.2f",
		rows, float64(bytes)/1e9, r.Calls(), s.counts, fewest, ratio, fills[len(fills)/2], fills[len(fills)/10],
		float64(fixed(clocks, w, time.Hour, perAnswer))/float64(fewest), float64(fixed(clocks, w, 15*time.Minute, perAnswer))/float64(fewest))
	if allowed := 1.10 + 4/float64(fewest); ratio > allowed { // a small backfill cannot spread its counts
		t.Errorf("%.3f times the fewest calls, more than %.3f", ratio, allowed)
	}
}

// TestCronPlan makes a run every quarter of an hour for ten tables, as the pipeline does:
// counts of what was read and of what is to be read in one call, then the windows.
func TestCronPlan(t *testing.T) { onWednesday(t, cron) }

func cron(t *testing.T) {
	runs := *planRuns
	const interval = 15 * time.Minute
	aRun := []float64{0, 0.0002, 0.003, 0.02, 0.08, 0.2, 0.4, 0.7, 1.2, 2.5} // full answers, on average
	start := time.Now().UTC().Truncate(interval).Add(-time.Duration(runs) * interval)
	s := newSite(true)
	tables := []string{
		"DisruptionAndResponseEvents", "AlertInfo", "AlertEvidence", "UrlClickEvents", "EmailEvents",
		"DeviceInfo", "DeviceLogonEvents", "IdentityLogonEvents", "DeviceFileEvents", "DeviceProcessEvents",
	}
	for i, table := range tables {
		s.seed(t, tenant.Seed{
			Tables: []string{table}, Rows: int(aRun[i]*float64(*planCap)) * runs, From: start, To: start.Add(time.Duration(runs) * interval), Seed: uint64(i),
			Shape: officeBursts(uint64(i)), Lag: func(int) time.Duration { return 0 },
		})
	}
	var ratios []float64
	var mu sync.Mutex
	paces := map[string]hunting.Estimate{} // the state keeps them from run to run
	calls, least, rows, plain := 0, 0, 0, 0
	for run := range runs {
		ahead := hunting.Window{Start: start.Add(time.Duration(run) * interval), End: start.Add(time.Duration(run+1) * interval)}
		past := hunting.Window{Start: ahead.Start.Add(-30 * time.Hour), End: ahead.Start}
		r := s.reader(t) // each run is a process of its own
		var wg sync.WaitGroup
		fewest := 0
		for _, table := range tables {
			wg.Go(func() {
				mu.Lock()
				pace := paces[table]
				mu.Unlock()
				got, err := one(r, dataset(table), past, ahead, pace)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				paces[table] = r.Pace(table)
				fewest += ceil(got, *planCap-1)
				rows += got
			})
		}
		wg.Wait()
		r.Close()
		if fewest > 0 {
			ratios = append(ratios, float64(r.Calls())/float64(fewest))
		}
		calls, least = calls+r.Calls(), least+fewest
	}
	all := hunting.Window{Start: start, End: start.Add(time.Duration(runs) * interval)}
	for _, table := range tables {
		plain += fixed(s.clocks(table), all, interval, *planCap-1)
	}
	slices.Sort(ratios)
	ratio := float64(calls) / float64(least)
	t.Logf("%d rows, %d runs: %d calls, %d of them counts, %d at the least: %.3f; a run: median %.2f, 90 %% %.2f, most %.2f; fixed windows of 15m %.2f",
		rows, runs, calls, s.counts, least, ratio, ratios[len(ratios)/2], ratios[len(ratios)*9/10], ratios[len(ratios)-1], float64(plain)/float64(least))
	if ratio > 1.25 {
		t.Errorf("%.3f times the fewest calls", ratio)
	}
}

// one is one dataset's share of a run.
func one(r *source.Reader, ds hunting.Dataset, past, ahead hunting.Window, pace hunting.Estimate) (rows int, err error) {
	ctx := context.Background()
	var wg sync.WaitGroup
	ask := func(w hunting.Window, width time.Duration) ([]hunting.Count, error) {
		return r.Count(ctx, hunting.Counting{Dataset: ds, Window: w, Width: width})
	}
	var pastErr error
	wg.Go(func() { _, pastErr = ask(past, ledger.Width) })
	tally := hunting.Tally{Window: ahead, Width: 5 * time.Second}
	tally.Bins, err = ask(ahead, tally.Width)
	wg.Wait()
	if err = errors.Join(err, pastErr); err != nil {
		return 0, err
	}
	err = r.Read(ctx, hunting.Reading{Dataset: ds, Parts: []hunting.Part{{Window: ahead}}, Tally: &tally, Pace: pace}, func(p hunting.Page) error {
		defer p.Release()
		rows += int(p.Answer.Rows())
		return nil
	})
	return rows, err
}

// fixed is how many calls windows of one width take that are halved until they fit.
func fixed(clocks []int64, w hunting.Window, width time.Duration, most int) (calls int) {
	count := func(from, to int64) int {
		a, _ := slices.BinarySearch(clocks, from)
		b, _ := slices.BinarySearch(clocks, to)
		return b - a
	}
	var read func(from, to int64)
	read = func(from, to int64) {
		calls++
		if count(from, to) > most && to-from > 1 {
			read(from, from+(to-from)/2)
			read(from+(to-from)/2, to)
		}
	}
	for from := w.Start; from.Before(w.End); from = from.Add(width) {
		read(schema.ToTicks(from), schema.ToTicks(from.Add(width)))
	}
	return calls
}

func ceil(n, by int) int { return (n + by - 1) / by }

func dataset(table string) hunting.Dataset {
	return hunting.Dataset{Name: table, Clock: hunting.ClockIngestion, TimeColumn: "Timestamp"}
}

// site is a tenant that is called without a network.
type site struct {
	*tenant.Tenant
	api     string
	decoder call.Decoder
	mu      sync.Mutex
	counts  int
}

func newSite(hollow bool) *site {
	s := &site{api: "graph", decoder: &counting{}, Tenant: tenant.New(tenant.Options{SizeOnly: hollow, MaxRows: *planCap, MaxBytes: byteCap, CallsPerMinute: -1, CallsPerHour: -1})}
	if hollow { // the row cap alone is measured
		s.SetMaxBytes(math.MaxInt64)
	}
	s.Fault(func(c tenant.Call) tenant.Fault {
		if strings.Contains(c.Query, "count()") {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.counts++
		}
		return tenant.Fault{}
	})
	return s
}

// weigh caps answers by what their rows without cells stand for, as the client sees it too.
func (s *site) weigh() {
	s.SetMaxBytes(byteCap)
	s.api, s.decoder = "m365d", &counting{weighs: true} // an API that tells their size
}

// counting counts rows without cells. It reads everything else as a Keeper does.
type counting struct {
	calltest.Keeper
	weighs bool // an answer is as large as its statistics say
}

func (d *counting) Decode(ctx context.Context, ds hunting.Dataset, w hunting.Window, r io.Reader) (hunting.Answer, error) {
	body, err := io.ReadAll(r)
	if err != nil {
		return hunting.Answer{}, err
	}
	head, rows, hollow := bytes.Cut(body, []byte(`esults":[{}`))
	if !hollow {
		return d.Keeper.Decode(ctx, ds, w, bytes.NewReader(body))
	}
	a, err := d.Keeper.Decode(ctx, ds, w, bytes.NewReader(append(head[:len(head):len(head)], `esults":[]}`...)))
	if err != nil {
		return a, err
	}
	a.Record = array.NewRecord(arrow.NewSchema(nil, nil), nil, int64(1+bytes.Count(rows, []byte("{}"))))
	if a.Bytes = int64(len(body)); !d.weighs {
		return a, nil
	}
	var stats struct {
		Tables []struct {
			Size int64 `json:"table_size"`
		} `json:"dataset_statistics"`
	}
	if err := json.Unmarshal(a.Stats, &stats); err != nil || len(stats.Tables) != 1 {
		return a, fmt.Errorf("statistics %s: %w", a.Stats, err)
	}
	a.Bytes = stats.Tables[0].Size
	return a, nil
}

func (s *site) seed(t *testing.T, seed tenant.Seed) {
	t.Helper()
	if err := s.Seed(seed); err != nil {
		t.Fatal(err)
	}
}

func (s *site) clocks(table string) []int64 {
	var all []int64
	for at := range s.Ingested(table) {
		all = append(all, schema.ToTicks(at))
	}
	slices.Sort(all)
	return all
}

func (s *site) reader(t *testing.T) *source.Reader {
	t.Helper()
	r, err := source.New(call.Config{
		API: s.api, Cloud: "public", Concurrency: 4, CallsPerMinute: 100_000, MaxRows: *planCap, MaxBody: 512 << 20, Timeout: 4 * time.Minute,
		TenantID: s.TenantID(), ClientID: "app", ClientSecret: "unused",
	}, s.decoder, call.Options{HTTP: &http.Client{Transport: s}, Credential: s})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// RoundTrip calls the tenant. Compression would only cost time.
func (s *site) RoundTrip(req *http.Request) (*http.Response, error) {
	req.Header.Del("Accept-Encoding")
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, req)
	return rec.Result(), nil
}

// GetToken logs in at the tenant.
func (s *site) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {tenant.DefaultClientID},
		"client_secret": {tenant.DefaultClientSecret}, "scope": o.Scopes,
	}
	req := httptest.NewRequest(http.MethodPost, "/"+s.TenantID()+"/oauth2/v2.0/token", strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, req)
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil || answer.Token == "" {
		return azcore.AccessToken{}, fmt.Errorf("no token: %s", rec.Body)
	}
	return azcore.AccessToken{Token: answer.Token, ExpiresOn: time.Now().Add(time.Hour)}, nil
}
