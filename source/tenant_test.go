package source_test

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/setting"
	"hunting-exporter/schema"
	"hunting-exporter/source"
	"hunting-exporter/source/call"
	"hunting-exporter/source/call/calltest"
	"hunting-exporter/tenant"
)

// TestSimulatedTenantIsReadWhole reads a table over TLS with tokens, gzip, the row cap and
// faults, in all three flavours, and compares it with what the tenant holds.
func TestSimulatedTenantIsReadWhole(t *testing.T) {
	t.Parallel()
	for _, api := range []string{"graph", "m365d", "mde"} {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			now := time.Now().UTC().Truncate(time.Second)
			sim := tenant.New(tenant.Options{MaxRows: 120, MaxBytes: 200_000, CallsPerMinute: -1, CallsPerHour: -1})
			if err := sim.Seed(tenant.Seed{Tables: []string{table.Name}, Rows: 2000, From: now.Add(-48 * time.Hour), To: now.Add(-24 * time.Hour), Seed: 7}); err != nil {
				t.Fatal(err)
			}
			sim.Fault(func(c tenant.Call) tenant.Fault {
				switch {
				case c.API == "token":
				case c.N%9 == 4:
					return c.BadGateway()
				case c.N%27 == 6: // whatever its size
					return c.ResultTooLarge()
				case c.N == 8:
					return c.Unauthorized()
				}
				return tenant.Fault{}
			})
			srv := httptest.NewTLSServer(sim)
			defer srv.Close()
			r, err := source.New(config(func(c *call.Config) {
				c.API, c.MaxRows, c.Endpoint, c.AuthorityHost = api, 120, srv.URL, srv.URL+"/"
				c.TenantID, c.ClientID, c.ClientSecret = sim.TenantID(), tenant.DefaultClientID, setting.Secret(tenant.DefaultClientSecret)
			}), calltest.Keeper{}, call.Options{HTTP: srv.Client()})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if err := r.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			w := hunting.Window{Start: now.Add(-49 * time.Hour), End: now.Add(-5 * time.Minute)}
			var want []int64
			for at := range sim.Ingested(table.Name) {
				if !at.Before(w.Start) && at.Before(w.End) {
					want = append(want, schema.ToTicks(at))
				}
			}
			slices.Sort(want)
			got, tiled := ingested(t, r, w)
			if err := tiled.tiles(w); err != nil {
				t.Error(err)
			}
			if r.Calls() > 250 { // 36 at the least, without faults
				t.Errorf("%d calls", r.Calls())
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// ingested reads the table and returns the ingestion times of its rows, sorted.
func ingested(t *testing.T, r *source.Reader, w hunting.Window) ([]int64, *collected) {
	t.Helper()
	var all []int64
	var tiled collected
	err := read(t.Context(), r, table, w, func(p hunting.Page) error {
		defer p.Release()
		tiled.windows = append(tiled.windows, p.Window)
		if p.Answer.Record == nil {
			return nil
		}
		var body struct {
			Results []struct {
				At time.Time `json:"_IngestionTime"`
			} `json:"results"`
		}
		if err := json.Unmarshal(calltest.BodyOf(p.Answer), &body); err != nil {
			return err
		}
		for _, row := range body.Results {
			all = append(all, schema.ToTicks(row.At))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all, &tiled
}

func TestSimulatedTenantRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		secret setting.Secret
		roles  []string
		err    error
	}{
		"missing table": {tenant.DefaultClientSecret, nil, call.ErrQuery},
		"missing role":  {tenant.DefaultClientSecret, []string{}, call.ErrDenied},
		"wrong secret":  {"wrong", nil, call.ErrDenied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := tenant.New(tenant.Options{Roles: tt.roles})
			srv := httptest.NewTLSServer(sim)
			defer srv.Close()
			r, err := source.New(config(func(c *call.Config) {
				c.Endpoint, c.AuthorityHost = srv.URL, srv.URL+"/"
				c.TenantID, c.ClientID, c.ClientSecret = sim.TenantID(), tenant.DefaultClientID, tt.secret
			}), calltest.Keeper{}, call.Options{HTTP: srv.Client()})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			nope := hunting.Counting{Dataset: hunting.Dataset{Name: "Nope", Clock: hunting.ClockIngestion}, Window: stretch(time.Hour), Width: time.Minute}
			if _, err = r.Count(t.Context(), nope); !errors.Is(err, tt.err) {
				t.Errorf("got %v, want %v", err, tt.err)
			}
		})
	}
}
