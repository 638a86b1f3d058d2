package tenant_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"hunting-exporter/tenant"
	"hunting-exporter/tenant/rows"
)

// monday is the start of a week before noon.
var monday = time.Date(2026, 8, 10, 0, 0, 0, 0, time.UTC)

// perMinute counts the rows of a week by minute.
func perMinute(t *testing.T, rows int, shape func(time.Time) float64) []int {
	t.Helper()
	tn := tenant.New(tenant.Options{Now: fixed})
	err := tn.Seed(tenant.Seed{Tables: []string{"AlertInfo"}, Rows: rows, From: monday, To: monday.Add(7 * 24 * time.Hour), Seed: 5, Shape: shape})
	if err != nil {
		t.Fatal(err)
	}
	out := make([]int, 7*24*60)
	for r := range tn.Rows("AlertInfo").Rows {
		out[int(r.Event.Sub(monday)/time.Minute)]++ // panics outside the range
	}
	return out
}

func TestOfficeHours(t *testing.T) {
	var night, office, weekend float64
	for minute, n := range perMinute(t, 100_000, rows.OfficeHours) {
		switch day, hour := minute/1440, minute/60%24; {
		case day >= 5:
			weekend += float64(n) / (2 * 24)
		case hour >= 8 && hour < 18:
			office += float64(n) / (5 * 10)
		default:
			night += float64(n) / (5 * 14)
		}
	}
	if math.Abs(office/night-5) > 0.25 || math.Abs(weekend/night-0.5) > 0.05 {
		t.Errorf("rows an hour: office %.0f, night %.0f, weekend %.0f; want 5 to 1 to 0.5", office, night, weekend)
	}
}

func TestBursts(t *testing.T) {
	flat := func(time.Time) float64 { return 1 }
	counts := perMinute(t, 100_000, rows.WithBursts(flat, 24*time.Hour, 9))
	usual := 100_000.0 / (7*24*60 + 7*4*49)
	bursts := map[int]int{} // minutes of burst by day
	for minute, n := range counts {
		if float64(n) > 20*usual {
			bursts[minute/1440]++
			if math.Abs(float64(n)/usual-50) > 5 {
				t.Errorf("minute %d has %d rows, the usual being %.1f; want 50 times that", minute, n, usual)
			}
		}
	}
	hours := map[int]bool{}
	for minute, n := range counts {
		if float64(n) > 20*usual {
			hours[minute%1440/60] = true
		}
	}
	for day := range 7 {
		if bursts[day] != 4 {
			t.Errorf("day %d has %d minutes of burst, want 4", day, bursts[day])
		}
	}
	if len(hours) < 3 {
		t.Errorf("bursts come at the hours %v only", hours)
	}
}

// Minutes without weight stay empty, and a last minute that is not whole is not
// overrun.
func TestShapesWithGaps(t *testing.T) {
	for minute, n := range perMinute(t, 5000, func(at time.Time) float64 { return float64(at.Minute() % 2) }) {
		if (n > 0) && minute%2 == 0 {
			t.Fatalf("minute %d has %d rows, want none", minute, n)
		}
	}
	tn := tenant.New(tenant.Options{Now: fixed})
	to := monday.Add(90 * time.Second)
	seed := tenant.Seed{Tables: []string{"AlertInfo"}, Rows: 900, From: monday, To: to, Shape: rows.OfficeHours}
	if err := tn.Seed(seed); err != nil {
		t.Fatal(err)
	}
	last := 0
	for r := range tn.Rows("AlertInfo").Rows {
		if r.Event.Before(monday) || !r.Event.Before(to) {
			t.Fatalf("a row at %v", r.Event)
		}
		if r.Event.Sub(monday) >= 80*time.Second {
			last++
		}
	}
	if last < 90 || last > 110 {
		t.Errorf("%d rows in the last 10 seconds, want a ninth of 900", last)
	}
	for want, shape := range map[string]func(time.Time) float64{
		"leaves no minute": func(time.Time) float64 { return 0 }, "negative": func(time.Time) float64 { return -1 },
		"no number": func(time.Time) float64 { return math.NaN() },
	} {
		seed.Shape = shape
		if err := tn.Seed(seed); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("seed: %v, want an error with %q", err, want)
		}
	}
}
