package schema

// Type names of Kusto and the names that answers give them.
var apiTypes = map[string]string{
	"datetime": "DateTime",
	"string":   "String",
	"int":      "Int32",
	"long":     "Int64",
	"real":     "Double",
	"bool":     "SByte",
	"guid":     "Guid",
	"dynamic":  "Object",
	"timespan": "TimeSpan",
	"decimal":  "SqlDecimal",
}

// FromKusto returns the API's type name for a Kusto type (datetime → DateTime).
// An unknown one is String, as unknown API types become text.
func FromKusto(kusto string) string {
	if t, ok := apiTypes[kusto]; ok {
		return t
	}
	return "String"
}
