package schema_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hunting-exporter/schema"
)

func TestArrowTypeOfEveryAPIType(t *testing.T) {
	for _, c := range []struct {
		api     string
		want    arrow.DataType
		dynamic bool
	}{
		{"DateTime", schema.DateTime, false},
		{"String", arrow.BinaryTypes.String, false},
		{"Int32", arrow.PrimitiveTypes.Int32, false},
		{"Int64", arrow.PrimitiveTypes.Int64, false},
		{"SByte", arrow.FixedWidthTypes.Boolean, false},
		{"Boolean", arrow.FixedWidthTypes.Boolean, false},
		{"Double", arrow.PrimitiveTypes.Float64, false},
		{"SqlDecimal", arrow.BinaryTypes.String, false},
		{"Decimal", arrow.BinaryTypes.String, false},
		{"Guid", arrow.BinaryTypes.String, false},
		{"TimeSpan", arrow.BinaryTypes.String, false},
		{"Object", arrow.BinaryTypes.String, true},
		{"Dynamic", arrow.BinaryTypes.String, true},
		{"", arrow.BinaryTypes.String, false},
		{"SomethingOf2027", arrow.BinaryTypes.String, false},
		{"datetime", arrow.BinaryTypes.String, false}, // a Kusto name, which answers never use
	} {
		if got := schema.ArrowType(c.api); !arrow.TypeEqual(got, c.want) {
			t.Errorf("%q becomes %s, want %s", c.api, got, c.want)
		}
		if got := schema.Dynamic(c.api); got != c.dynamic {
			t.Errorf("%q dynamic: %v, want %v", c.api, got, c.dynamic)
		}
	}
}

func TestAPITypeOfEveryKustoType(t *testing.T) {
	for kusto, want := range map[string]string{
		"datetime": "DateTime", "string": "String", "int": "Int32", "long": "Int64", "real": "Double",
		"bool": "SByte", "guid": "Guid", "dynamic": "Object", "timespan": "TimeSpan", "decimal": "SqlDecimal",
		"something": "String", "": "String",
	} {
		if got := schema.FromKusto(kusto); got != want {
			t.Errorf("FromKusto(%q) = %q, want %q", kusto, got, want)
		}
	}
}

func TestArrowSchemaOfAnAnswer(t *testing.T) {
	s, err := schema.Arrow([]schema.Column{{Name: "Timestamp", Type: "DateTime"}, {Name: "Extra", Type: "Dynamic"}, {Name: "IsX", Type: "SByte"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range s.Fields() {
		if !f.Nullable || f.Name != schema.APIName(f) {
			t.Errorf("field %v: nullable, named %q by the API", f, schema.APIName(f))
		}
	}
	want := `[{"name":"Timestamp","type":"DateTime"},{"name":"Extra","type":"Dynamic"},{"name":"IsX","type":"SByte"}]`
	if got := schema.ColumnsJSON(s); got != want {
		t.Errorf("ColumnsJSON = %s, want %s", got, want)
	}
}

func TestNamesThatCollideWhenCaseIsIgnored(t *testing.T) {
	for in, want := range map[string]string{
		"LogonId LogonID":                  "LogonId LogonID_2",
		"LogonID LogonId":                  "LogonID LogonId_2",
		"A a A_2":                          "A a_3 A_2", // the suffix must not take a name still to come
		"A_2 A a":                          "A_2 A a_3", // nor one already given
		"AB Ab aB ab":                      "AB Ab_2 aB_3 ab_4",
		"A a a_2 A_2":                      "A a_3 a_2 A_2_2",
		"Tenant TenantId":                  "Tenant_2 TenantId",
		"A dt DT dt_2":                     "A dt_3 DT_4 dt_2", // a folder's name is a column to readers
		"Timestamp DeviceId ReportId":      "Timestamp DeviceId ReportId",
		"_extra AdditionalFields logonid2": "_extra AdditionalFields logonid2",
	} {
		var cols []schema.Column
		for n := range strings.FieldsSeq(in) {
			cols = append(cols, schema.Column{Name: n, Type: "String"})
		}
		s, err := schema.Arrow(cols)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		var got []string
		for i, f := range s.Fields() {
			got = append(got, f.Name)
			if schema.APIName(f) != cols[i].Name {
				t.Errorf("%s: field %s has the API name %s", in, f.Name, schema.APIName(f))
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s becomes %s, want %s", in, strings.Join(got, " "), want)
		}
	}
}

func TestFieldNamesNeverCollide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfDistinct(rapid.StringMatching(`[aA]{1,2}(_[234])?`), rapid.ID).Draw(t, "names")
		var cols []schema.Column
		for _, n := range names {
			cols = append(cols, schema.Column{Name: n, Type: "Int32"})
		}
		s, err := schema.Arrow(cols)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for i, f := range s.Fields() {
			if seen[strings.ToLower(f.Name)] {
				t.Fatalf("%s is there twice", f.Name)
			}
			seen[strings.ToLower(f.Name)] = true
			if f.Name != cols[i].Name && !strings.HasPrefix(f.Name, cols[i].Name+"_") {
				t.Fatalf("%s became %s", cols[i].Name, f.Name)
			}
		}
	})
}

func TestColumnsThatNoSchemaCanHave(t *testing.T) {
	for _, names := range [][]string{{"A", "B", "A"}, {""}, {"A\xff"}} {
		var cols []schema.Column
		for _, n := range names {
			cols = append(cols, schema.Column{Name: n, Type: "String"})
		}
		if s, err := schema.Arrow(cols); err == nil {
			t.Errorf("%q gave %v", names, s)
		}
	}
}

func TestFingerprintTellsSchemasApart(t *testing.T) {
	schemas := [][]schema.Column{
		{},
		{{Name: "A", Type: "String"}},
		{{Name: "A", Type: "Guid"}}, // text in Arrow as well, yet another type
		{{Name: "a", Type: "String"}},
		{{Name: "A", Type: "String"}, {Name: "B", Type: "Int32"}},
		{{Name: "B", Type: "Int32"}, {Name: "A", Type: "String"}},
		{{Name: "AS", Type: "tring"}},
		{{Name: "A", Type: "Str"}, {Name: "ing", Type: ""}},
	}
	seen := map[string]string{}
	for _, cols := range schemas {
		s, err := schema.Arrow(cols)
		if err != nil {
			t.Fatal(err)
		}
		print := schema.Fingerprint(s)
		if again := schema.Fingerprint(s); again != print || len(print) != 16 {
			t.Errorf("%v: fingerprints %q and %q", cols, print, again)
		}
		if other, ok := seen[print]; ok {
			t.Errorf("%v and %s share %s", cols, other, print)
		}
		seen[print] = fmt.Sprint(cols)
	}
	// Fixed: files written by an earlier version are compared with it.
	s, _ := schema.Arrow([]schema.Column{{Name: "A", Type: "String"}})
	if got := schema.Fingerprint(s); got != "c66a02f2fd4abf74" {
		t.Errorf("fingerprint of A String is %s", got)
	}
}

func TestColumnsJSONReadsBack(t *testing.T) {
	cols := []schema.Column{{Name: "LogonId", Type: "Int64"}, {Name: "LogonID", Type: "String"}, {Name: `q"<é`, Type: "Object"}}
	s, err := schema.Arrow(cols)
	if err != nil {
		t.Fatal(err)
	}
	var got []schema.Column
	if err := json.Unmarshal([]byte(schema.ColumnsJSON(s)), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(cols, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
