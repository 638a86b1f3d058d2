package tenant_test

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hunting-exporter/tenant"
	"hunting-exporter/tenant/rows"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// No query makes the tenant fall over, and each is answered or refused with one of
// the API's texts.
func FuzzQuery(f *testing.F) {
	for _, q := range []string{
		`DeviceEvents | where Timestamp >= ago(1h) and ActionType in ("a") | summarize n=count() by bin(Timestamp, 1m) | top 3 by n`,
		`let x = datetime(2026-01-01); union (AlertInfo | count), DeviceEvents | extend z = x - 1tick | take 1`,
		`AlertInfo | where Title has "é" or isnull(Timestamp) | project a = -1.5e3, b = strcat(Title, @"\")`,
		`print x = dynamic({"a": [1, 2]}).a[0], y = bin(-7, 3), z = timespan(-1.02:03:04.5)`,
		`AlertInfo | getschema | sort by ColumnName asc nulls last | project-away Column*`,
		`let f = (a: long, b: long = 2) { a % b }; DeviceEvents | summarize (T, N) = arg_max(Timestamp, *), X = count() * 2, make_set(ReportId, 3) by DeviceName | extend f(b = 0, a = X)`,
		`DeviceEvents | make-series n = count(), avg(ReportId) default = 1.5 on Timestamp from datetime(2026-08-20) to datetime(2026-08-21) step 6h by DeviceId`,
		`print x = dynamic(['a', {"b": 1h}]), datetime_add("month", -1, datetime(2024-03-31)), datetime_diff('week', now(), ago(9d))`,
		`print 1 % 0, 9223372036854775807 + 1, bin(1, 0), substring("é", -5, 99), hash_xxhash64("a", -1)`,
	} {
		f.Add(q)
	}
	tn := tenant.New(tenant.Options{Now: fixed})
	if err := tn.Seed(tenant.Seed{Tables: []string{"DeviceEvents", "AlertInfo"}, Rows: 3, From: noon.Add(-time.Hour), To: noon}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, q string) {
		var b strings.Builder
		err := tn.Run(context.Background(), &b, q)
		if err != nil {
			if !strings.Contains(err.Error(), "Fix s") && !strings.Contains(err.Error(), "allowed result size") {
				t.Errorf("%q: %v", q, err)
			}
			return
		}
		if !json.Valid([]byte(b.String())) {
			t.Errorf("%q: answered no JSON: %s", q, b.String())
		}
	})
}

func FuzzLoad(f *testing.F) {
	f.Add(`{"Timestamp":"2026-08-01T10:00:00Z","A":{"b":["{\"c\":1}"]},"N@odata.type":"#SByte","N":1}`, 1)
	f.Add(`{"Bag":{"x":{},"y":[]},"Num":1e400}`, 0)
	f.Fuzz(func(t *testing.T, line string, form int) {
		tn := tenant.New(tenant.Options{Now: fixed})
		if err := tn.LoadNDJSON("AlertInfo", strings.NewReader(line), rows.Load{Form: rows.Form(form & 3), Ingested: noon}); err != nil {
			return
		}
		var b strings.Builder
		if err := tn.Run(context.Background(), &b, "AlertInfo"); err != nil {
			t.Fatal(err)
		}
		if !json.Valid([]byte(b.String())) {
			t.Errorf("%q: served as %s", line, b.String())
		}
		if err := tn.Run(context.Background(), io.Discard, "AlertInfo | project tostring(pack_all())"); err != nil {
			t.Fatal(err)
		}
	})
}
