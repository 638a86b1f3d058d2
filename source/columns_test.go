package source

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"hunting-exporter/hunting"
	"hunting-exporter/source/call"
)

// TestWhatTheAPISaysOfColumns: an API that does not know what the head of a custom query
// names says so of the query, not of the tenant's licences.
func TestWhatTheAPISaysOfColumns(t *testing.T) {
	t.Parallel()
	custom := hunting.Dataset{Name: "Q", Query: "T", TimeColumn: "Timestamp", Key: "DeviceId", Identity: []string{"ReportId"}, Needs: []string{"ReportId", "DeviceId", "Timestamp"}}
	table := hunting.Dataset{Name: "Q", TimeColumn: "Timestamp"}
	untimed := custom
	untimed.Needs = []string{"DeviceId"}
	const licensed = "is the product licensed and deployed?"
	for text, want := range map[string]struct {
		ds   hunting.Dataset
		says string
	}{
		"'where' operator: Failed to resolve column or scalar expression named 'Timestamp'":               {custom, "the answer has no column Timestamp: keep it, or name another by // time:"},
		"'where' operator: Failed to resolve table or column expression named 'Timestamp'. Fix semantic…": {custom, "the answer has no column Timestamp: keep it, or name another by // time:"},
		"Semantic error: SEM0100: 'where' operator: Failed to resolve scalar expression named 'ReportId'": {custom, "the answer has no column ReportId: keep it, or name another by // identity:"},
		"'where' operator: Failed to resolve column named 'DeviceId'":                                     {custom, "the answer has no column DeviceId: keep it, or name another by // key:"},
		"Failed to resolve scalar expression named 'Timestamp'":                                           {table, licensed},
		"Failed to resolve column or scalar expression named 'Timestamp'":                                 {untimed, licensed},
		"'where' operator: Failed to resolve table or column expression named 'NoSuchTable'":              {custom, licensed},
		"'where' operator: Failed to resolve table or column expression named 'TimestampOf'":              {custom, licensed},
		"Cannot compare values of types string and datetime. Try adding explicit casts":                   {custom, "the column Timestamp of the answer is of the type string, and no datetime"},
		"SEM0064: Cannot compare values of types datetime and long. Try adding explicit casts. Semantic":  {custom, "the column Timestamp of the answer is of the type long, and no datetime"},
		"Semantic error: Cannot compare values of types string and datetime.":                             {table, licensed},
		"Semantic error: Cannot compare values of types string and long.":                                 {custom, licensed},
	} {
		err := about(want.ds, &call.Error{Kind: call.Query, Status: http.StatusBadRequest, Code: "BadRequest", Message: text, Fix: "the tenant has no such table (" + licensed + ")"})
		if !strings.Contains(err.Error(), want.says) || strings.Contains(err.Error(), licensed) != (want.says == licensed) {
			t.Errorf("%s: %v", text, err)
		}
		if hunting.Refused(err) != (want.says != licensed) || !errors.Is(err, call.ErrQuery) || uncounted(err) == hunting.Refused(err) {
			t.Errorf("%s is of another kind: %v", text, err)
		}
	}
}
