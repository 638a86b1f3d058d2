package schema

import "github.com/apache/arrow/go/v15/arrow"

// ArrowType returns the Arrow type that a column of the given API type becomes.
// An unknown type becomes text: Microsoft adds types without notice.
func ArrowType(apiType string) arrow.DataType {
	switch apiType {
	case "DateTime":
		return DateTime
	case "SByte", "Boolean":
		return arrow.FixedWidthTypes.Boolean
	case "Int32":
		return arrow.PrimitiveTypes.Int32
	case "Int64":
		return arrow.PrimitiveTypes.Int64
	case "Double":
		return arrow.PrimitiveTypes.Float64
	default: // String, Guid, TimeSpan, SqlDecimal, Decimal, Object, Dynamic
		return arrow.BinaryTypes.String
	}
}

// Dynamic reports whether cells of the API type are nested JSON.
func Dynamic(apiType string) bool { return apiType == "Object" || apiType == "Dynamic" }
