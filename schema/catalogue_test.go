package schema_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hunting-exporter/schema"
)

func TestCatalogueHoldsEveryTable(t *testing.T) {
	tables := schema.Tables()
	if len(tables) != 65 {
		t.Errorf("%d tables, want 65", len(tables))
	}
	if !slices.IsSortedFunc(tables, func(a, b schema.Table) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("tables are not sorted by name")
	}
	kusto := []string{"datetime", "string", "int", "long", "real", "bool", "guid", "dynamic"}
	for _, table := range tables {
		if !schema.ValidName(table.Name) {
			t.Errorf("%q is no table name", table.Name)
		}
		for _, c := range table.Columns {
			if !schema.ValidName(c.Name) || !slices.Contains(kusto, c.Type) {
				t.Errorf("%s: column %q of type %q", table.Name, c.Name, c.Type)
			}
		}
		if _, err := schema.Arrow(table.APIColumns()); err != nil {
			t.Errorf("%s: %v", table.Name, err)
		}
		if found, ok := schema.Lookup(table.Name); !ok || found.Name != table.Name {
			t.Errorf("Lookup(%q) = %q, %v", table.Name, found.Name, ok)
		}
	}
}

func TestEveryColumnThatATableNamesExists(t *testing.T) {
	for _, table := range schema.Tables() {
		named := slices.Concat(table.Identity, table.Slicing, table.BloomColumns())
		if table.TimeColumn != "" {
			named = append(named, table.TimeColumn)
		}
		if table.Key != "" {
			named = append(named, table.Key)
		}
		for _, n := range named {
			if !slices.Contains(table.ColumnNames(), n) {
				t.Errorf("%s names %q, which is not one of its columns", table.Name, n)
			}
		}
	}
}

func TestTablesWithoutATimeColumn(t *testing.T) {
	var got []string
	for _, table := range schema.Tables() {
		if table.TimeColumn == "" {
			got = append(got, table.Name)
		}
	}
	want := []string{
		"DeviceBaselineComplianceAssessment", "DeviceBaselineComplianceAssessmentKB",
		"DeviceBaselineComplianceProfiles", "DeviceTvmBrowserExtensions", "DeviceTvmBrowserExtensionsKB",
		"DeviceTvmCertificateInfo", "DeviceTvmHardwareFirmware", "DeviceTvmInfoGatheringKB",
		"DeviceTvmSecureConfigurationAssessmentKB", "DeviceTvmSoftwareEvidenceBeta",
		"DeviceTvmSoftwareInventory", "DeviceTvmSoftwareVulnerabilities",
		"DeviceTvmSoftwareVulnerabilitiesKB", "ExposureGraphEdges", "ExposureGraphNodes",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tables without a time column (-want +got):\n%s", diff)
	}
}

// A table that is read as it stands is cut by columns that stay as they are: text that
// says which thing a row is about, never how that thing is.
func TestSlicingOfTablesWithoutATimeColumn(t *testing.T) {
	stays := regexp.MustCompile(`(Id|Name|Vendor|Thumbprint|Path|ComponentType)$`)
	for _, table := range schema.Tables() {
		if (len(table.Slicing) > 0) != (table.TimeColumn == "") {
			t.Errorf("%s: time column %q, slicing %v: want one of both", table.Name, table.TimeColumn, table.Slicing)
		}
		for _, c := range table.Columns {
			if slices.Contains(table.Slicing, c.Name) && (c.Type != "string" || !stays.MatchString(c.Name)) {
				t.Errorf("%s is cut by %s of type %s, which may change between two slices", table.Name, c.Name, c.Type)
			}
		}
	}
}

func TestOnlyCallActivityEventsHasAnotherTimeColumn(t *testing.T) {
	for _, table := range schema.Tables() {
		want := "Timestamp"
		if table.Name == "CallActivityEvents" {
			want = "ActivityTimestamp"
		}
		if table.TimeColumn != "" && table.TimeColumn != want {
			t.Errorf("%s: time column %q, want %q", table.Name, table.TimeColumn, want)
		}
	}
}

func TestDeviceTablesAreIdentifiedByTheCounterOfTheirDevice(t *testing.T) {
	var got []string
	for _, table := range schema.Tables() {
		if slices.Equal(table.Identity, []string{"Timestamp", "DeviceId", "ReportId"}) {
			got = append(got, table.Name)
		}
	}
	want := []string{
		"DeviceEvents", "DeviceFileCertificateInfo", "DeviceFileEvents", "DeviceImageLoadEvents", "DeviceInfo",
		"DeviceLogonEvents", "DeviceNetworkEvents", "DeviceNetworkInfo", "DeviceProcessEvents", "DeviceRegistryEvents",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("device tables (-want +got):\n%s", diff)
	}
}

func TestIdentityAndKeyOfATable(t *testing.T) {
	for _, c := range []struct {
		table    string
		identity []string
		key      string
	}{
		{"DeviceProcessEvents", []string{"Timestamp", "DeviceId", "ReportId"}, "DeviceId"},
		{"AlertInfo", nil, "AlertId"},
		{"AlertEvidence", nil, "AlertId"}, // many rows an alert, and it has a DeviceId too
		{"BehaviorEntities", nil, "BehaviorId"},
		{"EmailEvents", []string{"Timestamp", "NetworkMessageId", "RecipientEmailAddress", "ReportId"}, "NetworkMessageId"},
		{"EmailUrlInfo", nil, "NetworkMessageId"},
		{"UrlClickEvents", nil, "NetworkMessageId"}, // click and click-through share a ReportId
		{"CloudAppEvents", []string{"Timestamp", "ReportId"}, "AccountObjectId"},
		{"IdentityLogonEvents", []string{"Timestamp", "ReportId"}, "AccountObjectId"},
		{"EntraIdSignInEvents", []string{"Timestamp", "ReportId"}, "AccountObjectId"},
		{"EntraIdSpnSignInEvents", []string{"Timestamp", "ReportId"}, "ServicePrincipalId"},
		{"MessageEvents", []string{"Timestamp", "ReportId"}, "TeamsMessageId"},
		{"CallActivityEvents", nil, "CallId"},
		{"ExposureGraphNodes", nil, "NodeId"},
		{"DeviceTvmSoftwareVulnerabilities", nil, "DeviceId"},
		{"DeviceTvmInfoGatheringKB", nil, ""},
	} {
		table, ok := schema.Lookup(c.table)
		if !ok {
			t.Errorf("%s: not in the catalogue", c.table)
			continue
		}
		if diff := cmp.Diff(c.identity, table.Identity); diff != "" || table.Key != c.key {
			t.Errorf("%s: key %q, want %q; identity (-want +got):\n%s", c.table, table.Key, c.key, diff)
		}
	}
}

func TestLookupIsCaseSensitiveAsKQL(t *testing.T) {
	for _, name := range []string{"", "deviceevents", "DeviceEvent", "ZZZ", "GraphApiAuditEvents"} {
		if table, ok := schema.Lookup(name); ok {
			t.Errorf("Lookup(%q) found %q", name, table.Name)
		}
	}
	table, _ := schema.Lookup("GraphAPIAuditEvents")
	if len(table.Notes) != 1 {
		t.Errorf("GraphAPIAuditEvents: notes %q", table.Notes)
	}
}

func TestColumnsOfATableInDocumentedOrder(t *testing.T) {
	table, _ := schema.Lookup("AlertInfo")
	want := []schema.Column{
		{Name: "Timestamp", Type: "datetime"},
		{Name: "AlertId", Type: "string"},
		{Name: "Title", Type: "string"},
		{Name: "Category", Type: "string"},
		{Name: "Severity", Type: "string"},
		{Name: "ServiceSource", Type: "string"},
		{Name: "DetectionSource", Type: "string"},
		{Name: "AttackTechniques", Type: "string"},
	}
	if diff := cmp.Diff(want, table.Columns); diff != "" {
		t.Errorf("AlertInfo (-want +got):\n%s", diff)
	}
	if got := table.APIColumns()[0]; got != (schema.Column{Name: "Timestamp", Type: "DateTime"}) {
		t.Errorf("first column by API type: %v", got)
	}
}

func TestBloomColumnsGoByNameAlone(t *testing.T) {
	got := schema.BloomColumns([]string{
		"Timestamp", "DeviceId", "FileName", "SHA256", "InitiatingProcessMD5", "RemoteIP", "RemoteIPType",
		"AccountObjectId", "NetworkMessageId", "AdditionalFields", "SenderIPv6", "NewTableSHA1",
	})
	want := []string{
		"DeviceId", "SHA256", "InitiatingProcessMD5", "RemoteIP",
		"AccountObjectId", "NetworkMessageId", "SenderIPv6", "NewTableSHA1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("bloom columns (-want +got):\n%s", diff)
	}
}
