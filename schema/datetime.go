package schema

import (
	"fmt"
	"reflect"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// DateTimeType is Kusto's datetime: an int64 that counts 100 ns ticks since 1970,
// UTC. Nanoseconds would not hold the years before 1678 and after 2262 that occur.
type DateTimeType struct{ arrow.ExtensionBase }

// DateTime is the one DateTimeType.
var DateTime = &DateTimeType{ExtensionBase: arrow.ExtensionBase{Storage: arrow.PrimitiveTypes.Int64}}

// ArrayType makes Arrow build a DateTimeArray.
func (*DateTimeType) ArrayType() reflect.Type { return reflect.TypeFor[DateTimeArray]() }

// ExtensionName names the type in Arrow metadata.
func (*DateTimeType) ExtensionName() string { return "hunting.datetime" }

// String names the type for people.
func (*DateTimeType) String() string { return "hunting.datetime" }

// Serialize has nothing to add: the type has no parameters.
func (*DateTimeType) Serialize() string { return "" }

// Deserialize accepts int64 storage only.
func (*DateTimeType) Deserialize(storage arrow.DataType, _ string) (arrow.ExtensionType, error) {
	if storage.ID() != arrow.INT64 {
		return nil, fmt.Errorf("hunting.datetime on %s: storage must be int64", storage)
	}
	return DateTime, nil
}

// ExtensionEquals reports whether other is the same type.
func (*DateTimeType) ExtensionEquals(other arrow.ExtensionType) bool {
	return other.ExtensionName() == "hunting.datetime"
}

// DateTimeArray is a column of datetimes.
type DateTimeArray struct{ array.ExtensionArrayBase }

// Ticks returns the values, 100 ns since 1970 each; those at null rows mean nothing.
func (a *DateTimeArray) Ticks() []int64 { return a.Storage().(*array.Int64).Int64Values() }

// Value returns the time at row i.
func (a *DateTimeArray) Value(i int) time.Time { return FromTicks(a.Ticks()[i]) }

// ValueStr gives the time at row i as text, for printing.
func (a *DateTimeArray) ValueStr(i int) string {
	if a.IsNull(i) {
		return array.NullValueStr
	}
	return a.Value(i).Format("2006-01-02T15:04:05.9999999Z")
}

const ticksPerSecond = 10_000_000

// FromTicks turns ticks into a time, for every year that Kusto can hold.
func FromTicks(t int64) time.Time {
	return time.Unix(t/ticksPerSecond, t%ticksPerSecond*100).UTC()
}

// ToTicks turns a time into ticks; what is below a tick is dropped.
func ToTicks(t time.Time) int64 {
	return t.Unix()*ticksPerSecond + int64(t.Nanosecond())/100
}
