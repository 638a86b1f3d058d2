package source

import (
	"strings"
	"testing"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/pool"
	"hunting-exporter/transform"
)

// TestCountsByTheDecoder: counts as every flavour writes them.
func TestCountsByTheDecoder(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		text string
		fits bool
	}{
		"graph":       {`{"schema":[{"name":"Leg","type":"Int64"},{"name":"Bin","type":"DateTime"},{"name":"Rows","type":"Int64"}],"results":[{"Leg@odata.type":"#Int64","Leg":1,"Bin":"2026-01-02T03:00:00Z","Rows@odata.type":"#Int64","Rows":7},{"Leg":0,"Bin":{},"Rows":5}]}`, true},
		"legacy":      {`{"Schema":[{"Name":"Leg","Type":"Int32"},{"Name":"Bin","Type":"DateTime"},{"Name":"Rows","Type":"Int64"}],"Results":[{"Leg":1,"Bin":"2026-01-02T03:00:00.0000000Z","Rows":7},{"Leg":0,"Bin":null,"Rows":5}]}`, true},
		"text":        {`{"Schema":[{"Name":"Leg","Type":"String"},{"Name":"Bin","Type":"DateTime"},{"Name":"Rows","Type":"String"}],"Results":[{"Leg":"1","Bin":"2026-01-02T03:00:00Z","Rows":"7"},{"Leg":"0","Bin":null,"Rows":"5"}]}`, true},
		"a reject":    {`{"Schema":[{"Name":"Leg","Type":"Int64"},{"Name":"Bin","Type":"DateTime"},{"Name":"Rows","Type":"Int64"}],"Results":[{"Leg":1,"Bin":"2026-01-02T03:00:00Z","Rows":7},{"Leg":0,"Bin":null,"Rows":"many"}]}`, false},
		"no such leg": {`{"Schema":[{"Name":"Leg","Type":"Int64"},{"Name":"Bin","Type":"DateTime"},{"Name":"Rows","Type":"Int64"}],"Results":[{"Leg":2,"Bin":null,"Rows":7}]}`, false},
		"negative":    {`{"Schema":[{"Name":"Leg","Type":"Int64"},{"Name":"Bin","Type":"DateTime"},{"Name":"Rows","Type":"Int64"}],"Results":[{"Leg":1,"Bin":null,"Rows":-7}]}`, false},
		"null":        {`{"Schema":[{"Name":"Leg","Type":"Int64"},{"Name":"Bin","Type":"DateTime"},{"Name":"Rows","Type":"Int64"}],"Results":[{"Leg":1,"Bin":null,"Rows":null}]}`, false},
		"no column":   {`{"Schema":[{"Name":"Leg","Type":"Int64"},{"Name":"Bin","Type":"DateTime"}],"Results":[{"Leg":1,"Bin":null}]}`, false},
		"times text":  {`{"Schema":[{"Name":"Leg","Type":"Int64"},{"Name":"Bin","Type":"String"},{"Name":"Rows","Type":"Int64"}],"Results":[{"Leg":1,"Bin":"x","Rows":1}]}`, false},
	} {
		a, err := transform.NewDecoder(transform.Config{}, new(pool.Pool)).Decode(t.Context(), hunting.Dataset{Name: "count()"}, hunting.Window{}, strings.NewReader(tt.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		bins, err := countsOf(&a, 2)
		if (err == nil) != tt.fits {
			t.Errorf("%s: %v", name, err)
		}
		if tt.fits && (len(bins[0]) != 1 || len(bins[1]) != 1 || bins[1][0].Rows != 7 || !bins[1][0].Start.Equal(at) || bins[0][0].Rows != 5 || !bins[0][0].Start.IsZero()) {
			t.Errorf("%s: %v", name, bins)
		}
		a.Release()
	}
}
