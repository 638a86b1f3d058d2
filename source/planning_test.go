package source_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"hunting-exporter/pipeline"
	"hunting-exporter/pipeline/ledger"
	"hunting-exporter/schema"
	"hunting-exporter/source"
	"hunting-exporter/tenant"
)

// What is planned at full size takes minutes; CI takes a part of it.
var (
	planRows  = flag.Int("plan-rows", 1_000_000, "rows of the backfill that the row cap binds")
	planHeavy = flag.Int("plan-heavy", 150_000, "rows of the backfill that the byte cap binds")
	planRuns  = flag.Int("plan-runs", 3, "runs of the CronJob")
)

const (
	rowCap  = 100_000
	byteCap = 50_000_000
	oneDay  = 24 * time.Hour
)

// TestBackfillPlan reads 30 days with office hours and bursts at once, against the fewest
// calls there can be and fixed windows that are halved when an answer does not fit.
func TestBackfillPlan(t *testing.T) {
	t.Run("row cap", func(t *testing.T) { backfill(t, "AlertInfo", *planRows, true) })
	t.Run("byte cap", func(t *testing.T) { backfill(t, "DeviceProcessEvents", *planHeavy, false) })
}

// backfill uses a hollow tenant, which answers rows without cells, where the row cap binds.
func backfill(t *testing.T, table string, rows int, hollow bool) {
	now := time.Now().UTC().Truncate(time.Hour)
	from := now.Add(-30 * oneDay).Add(3 * time.Hour) // what is older may expire while it is read
	s := newSite(hollow)
	s.seed(t, tenant.Seed{
		Tables: []string{table}, Rows: rows, From: from, To: now, Seed: 7,
		Shape: tenant.WithBursts(tenant.OfficeHours, 12*time.Hour, 7), Lag: func(int) time.Duration { return 0 },
	})
	r := s.reader(t)
	defer r.Close()
	w := pipeline.Window{Start: from, End: now.Add(time.Minute)}
	var fills []float64
	var got, bytes int
	err := r.Read(context.Background(), pipeline.Reading{Dataset: dataset(table), Parts: []pipeline.Part{{Window: w}}}, func(p pipeline.Page) error {
		defer p.Release()
		if p.Gap != nil {
			return fmt.Errorf("gap: %s", p.Gap.Reason)
		}
		got, bytes = got+int(p.Answer.Rows()), bytes+len(source.BodyOf(p.Answer))
		fills = append(fills, max(float64(int(p.Answer.Rows()))/rowCap, float64(len(source.BodyOf(p.Answer)))/byteCap))
		return nil
	})
	if err != nil || got != rows {
		t.Fatalf("%d rows of %d: %v", got, rows, err)
	}
	perAnswer := rowCap - 1
	if !hollow {
		perAnswer = min(perAnswer, byteCap/(bytes/rows))
	}
	fewest := max(ceil(rows, rowCap-1), ceil(bytes, byteCap))
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
func TestCronPlan(t *testing.T) {
	runs := *planRuns
	const interval = 15 * time.Minute
	aRun := []int{0, 20, 300, 2_000, 8_000, 20_000, 40_000, 70_000, 120_000, 250_000} // rows, on average
	start := time.Now().UTC().Truncate(interval).Add(-time.Duration(runs) * interval)
	s := newSite(true)
	tables := []string{
		"DisruptionAndResponseEvents", "AlertInfo", "AlertEvidence", "UrlClickEvents", "EmailEvents",
		"DeviceInfo", "DeviceLogonEvents", "IdentityLogonEvents", "DeviceFileEvents", "DeviceProcessEvents",
	}
	for i, table := range tables {
		s.seed(t, tenant.Seed{
			Tables: []string{table}, Rows: aRun[i] * runs, From: start, To: start.Add(time.Duration(runs) * interval), Seed: uint64(i),
			Shape: tenant.WithBursts(tenant.OfficeHours, 12*time.Hour, uint64(i)), Lag: func(int) time.Duration { return 0 },
		})
	}
	var ratios []float64
	var mu sync.Mutex
	paces := map[string]pipeline.Pace{} // the state keeps them from run to run
	calls, least, rows, plain := 0, 0, 0, 0
	for run := range runs {
		ahead := pipeline.Window{Start: start.Add(time.Duration(run) * interval), End: start.Add(time.Duration(run+1) * interval)}
		past := pipeline.Window{Start: ahead.Start.Add(-30 * time.Hour), End: ahead.Start}
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
				fewest += ceil(got, rowCap-1)
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
	all := pipeline.Window{Start: start, End: start.Add(time.Duration(runs) * interval)}
	for _, table := range tables {
		plain += fixed(s.clocks(table), all, interval, rowCap-1)
	}
	slices.Sort(ratios)
	ratio := float64(calls) / float64(least)
	t.Logf("%d rows, %d runs: %d calls, %d of them counts, %d at the least: %.3f; a run: median %.2f, 90 %% %.2f, most %.2f; fixed windows of 15m %.2f",
		rows, runs, calls, s.counts, least, ratio, ratios[len(ratios)/2], ratios[len(ratios)*9/10], ratios[len(ratios)-1], float64(plain)/float64(least))
	if ratio > 1.5 {
		t.Errorf("%.3f times the fewest calls", ratio)
	}
}

// one is one dataset's share of a run.
func one(r *source.Reader, ds pipeline.Dataset, past, ahead pipeline.Window, pace pipeline.Pace) (rows int, err error) {
	ctx := context.Background()
	var wg sync.WaitGroup
	ask := func(w pipeline.Window, width time.Duration) ([]ledger.Count, error) {
		return r.Count(ctx, pipeline.Counting{Dataset: ds, Window: w, Width: width})
	}
	var pastErr error
	wg.Go(func() { _, pastErr = ask(past, ledger.Width) })
	tally := pipeline.Tally{Window: ahead, Width: 5 * time.Second}
	tally.Bins, err = ask(ahead, tally.Width)
	wg.Wait()
	if err = errors.Join(err, pastErr); err != nil {
		return 0, err
	}
	err = r.Read(ctx, pipeline.Reading{Dataset: ds, Parts: []pipeline.Part{{Window: ahead}}, Tally: &tally, Pace: pace}, func(p pipeline.Page) error {
		defer p.Release()
		rows += int(p.Answer.Rows())
		return nil
	})
	return rows, err
}

// fixed is how many calls windows of one width take that are halved until they fit.
func fixed(clocks []int64, w pipeline.Window, width time.Duration, most int) (calls int) {
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

func dataset(table string) pipeline.Dataset {
	return pipeline.Dataset{Name: table, Clock: pipeline.ClockIngestion, TimeColumn: "Timestamp"}
}

// site is a tenant that is called without a network.
type site struct {
	*tenant.Tenant
	mu     sync.Mutex
	counts int
}

func newSite(hollow bool) *site {
	s := &site{Tenant: tenant.New(tenant.Options{Hollow: hollow, MaxRows: rowCap, MaxBytes: byteCap, CallsPerMinute: -1, CallsPerHour: -1})}
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
	r, err := source.New(source.Config{
		API: "graph", Cloud: "public", Concurrency: 4, CallsPerMinute: 100_000, MaxRows: rowCap, MaxBody: 512 << 20, Timeout: 4 * time.Minute,
		TenantID: s.TenantID(), ClientID: "app", ClientSecret: "unused",
	}, source.Keeper{}, source.Options{HTTP: &http.Client{Transport: s}, Credential: s})
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
func (s *site) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {tenant.DefaultClientID},
		"client_secret": {tenant.DefaultClientSecret}, "scope": {"https://graph.microsoft.com/.default"},
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
