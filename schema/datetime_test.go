package schema_test

import (
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"pgregory.net/rapid"

	"hunting-exporter/schema"
)

func TestTicksOfATime(t *testing.T) {
	for text, want := range map[string]int64{
		"0001-01-01T00:00:00Z":         -621355968000000000,
		"1969-12-31T23:59:59.9999999Z": -1,
		"1970-01-01T00:00:00Z":         0,
		"1970-01-01T00:00:00.0000001Z": 1,
		"2026-01-31T12:34:56.1234567Z": 17698628961234567,
		"9999-12-31T23:59:59.9999999Z": 2534023007999999999,
	} {
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := schema.ToTicks(at); got != want {
			t.Errorf("%s is %d ticks, want %d", text, got, want)
		}
		if got := schema.FromTicks(want); !got.Equal(at) || got.Location() != time.UTC {
			t.Errorf("%d ticks are %s, want %s", want, got, text)
		}
	}
}

func TestTicksRoundTripInEveryYear(t *testing.T) {
	first := schema.ToTicks(time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC))
	last := schema.ToTicks(time.Date(9999, 12, 31, 23, 59, 59, 999_999_900, time.UTC))
	rapid.Check(t, func(t *rapid.T) {
		ticks := rapid.Int64Range(first, last).Draw(t, "ticks")
		if got := schema.ToTicks(schema.FromTicks(ticks)); got != ticks {
			t.Fatalf("%d ticks came back as %d", ticks, got)
		}
	})
}

func TestWhatIsBelowATickIsDropped(t *testing.T) {
	if got := schema.ToTicks(time.Unix(-1, 199)); got != -9_999_999 {
		t.Errorf("%d ticks", got)
	}
}

func TestDateTimeArray(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	b := array.NewExtensionBuilder(mem, schema.DateTime)
	defer b.Release()
	storage := b.StorageBuilder().(*array.Int64Builder)
	storage.Append(-1)
	storage.AppendNull()
	col := b.NewArray().(*schema.DateTimeArray)
	defer col.Release()
	if got := col.ValueStr(0); got != "1969-12-31T23:59:59.9999999Z" {
		t.Errorf("first value %s", got)
	}
	if got := col.ValueStr(1); got != array.NullValueStr {
		t.Errorf("null prints as %s", got)
	}
	if len(col.Ticks()) != 2 || col.Ticks()[0] != -1 {
		t.Errorf("ticks %v", col.Ticks())
	}
}

func TestDateTimeTypeIsOnlyOverInt64(t *testing.T) {
	if _, err := schema.DateTime.Deserialize(arrow.PrimitiveTypes.Int32, ""); err == nil {
		t.Error("int32 storage was accepted")
	}
	got, err := schema.DateTime.Deserialize(arrow.PrimitiveTypes.Int64, schema.DateTime.Serialize())
	if err != nil || !arrow.TypeEqual(got, schema.DateTime) {
		t.Errorf("int64 storage gave %v, %v", got, err)
	}
	if schema.DateTime.ExtensionName() != schema.DateTime.String() {
		t.Errorf("two names: %s and %s", schema.DateTime.ExtensionName(), schema.DateTime)
	}
	if arrow.TypeEqual(schema.DateTime, arrow.PrimitiveTypes.Int64) {
		t.Error("the same as its storage")
	}
}
