package source

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"hunting-exporter/hunting"
)

// TestWhatTheAPISaysOfColumns: an API that does not know what the head of a custom query
// names says so of the query, not of the tenant's licences.
func TestWhatTheAPISaysOfColumns(t *testing.T) {
	t.Parallel()
	query := hunting.Dataset{Name: "Q", Query: "T", TimeColumn: "Timestamp", Key: "DeviceId", Identity: []string{"ReportId"}, Needs: []string{"ReportId", "DeviceId", "Timestamp"}}
	table := hunting.Dataset{Name: "Q", TimeColumn: "Timestamp"}
	untimed := query
	untimed.Needs = []string{"DeviceId"}
	const licensed = "is the product licensed and deployed?"
	for text, want := range map[string]struct {
		ds   hunting.Dataset
		says string
	}{
		"'where' operator: Failed to resolve column or scalar expression named 'Timestamp'":               {query, "the answer has no column Timestamp: keep it, or name another by // time:"},
		"'where' operator: Failed to resolve table or column expression named 'Timestamp'. Fix semantic…": {query, "the answer has no column Timestamp: keep it, or name another by // time:"},
		"Semantic error: SEM0100: 'where' operator: Failed to resolve scalar expression named 'ReportId'": {query, "the answer has no column ReportId: keep it, or name another by // identity:"},
		"'where' operator: Failed to resolve column named 'DeviceId'":                                     {query, "the answer has no column DeviceId: keep it, or name another by // key:"},
		"Failed to resolve scalar expression named 'Timestamp'":                                           {table, licensed},
		"Failed to resolve column or scalar expression named 'Timestamp'":                                 {untimed, licensed},
		"'where' operator: Failed to resolve table or column expression named 'NoSuchTable'":              {query, licensed},
		"'where' operator: Failed to resolve table or column expression named 'TimestampOf'":              {query, licensed},
		"Cannot compare values of types string and datetime. Try adding explicit casts":                   {query, "the column Timestamp of the answer is of the type string, and no datetime"},
		"SEM0064: Cannot compare values of types datetime and long. Try adding explicit casts. Semantic":  {query, "the column Timestamp of the answer is of the type long, and no datetime"},
		"Semantic error: Cannot compare values of types string and datetime.":                             {table, licensed},
		"Semantic error: Cannot compare values of types string and long.":                                 {query, licensed},
	} {
		for flavour, body := range map[string]string{"graph": graphError("BadRequest", text), "m365d": legacyError("BadRequest", text)} {
			err := about(want.ds, Config{API: flavour}.classify(http.StatusBadRequest, http.Header{}, []byte(body), time.Time{}, same))
			if !strings.Contains(err.Error(), want.says) || strings.Contains(err.Error(), licensed) != (want.says == licensed) {
				t.Errorf("%s of %s: %v", text, flavour, err)
			}
			if hunting.Refused(err) != (want.says != licensed) || !errors.Is(err, ErrQuery) || uncounted(err) == hunting.Refused(err) {
				t.Errorf("%s of %s is of another kind: %v", text, flavour, err)
			}
		}
	}
}
