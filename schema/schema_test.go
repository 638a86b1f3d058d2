package schema_test

import (
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"

	"hunting-exporter/schema"
)

func TestValidNamesForKQL(t *testing.T) {
	for name, want := range map[string]bool{
		"DeviceEvents": true, "_IngestionTime": true, "a1": true, "_": true, strings.Repeat("a", 256): true,
		"": false, "1a": false, "a b": false, "a-b": false, "a.b": false, "a'": false, "a\n": false, "é": false,
		"a|take 1": false, "a@odata.type": false, strings.Repeat("a", 257): false,
	} {
		if got := schema.ValidName(name); got != want {
			t.Errorf("ValidName(%q) = %v, want %v", name, got, want)
		}
	}
}

func TestNameAndTypeOfAFieldWithoutMetadata(t *testing.T) {
	f := arrow.Field{Name: "X", Type: arrow.PrimitiveTypes.Int32}
	if schema.APIName(f) != "X" || schema.APIType(f) != "" {
		t.Errorf("name %q, type %q", schema.APIName(f), schema.APIType(f))
	}
}
