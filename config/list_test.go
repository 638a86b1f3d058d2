package config

import (
	"reflect"
	"slices"
	"testing"

	"hunting-exporter/internal/setting"
)

// lists are a value of every setting that is a comma list, and where it arrives.
var lists = map[string]struct {
	items []string
	read  func(Config) []string
}{
	"EXPORT_TABLES": {[]string{"AlertInfo", "DeviceEvents"}, func(c Config) []string { return c.Export.Tables }},
	"KAFKA_BROKERS": {[]string{"one:9092", "two:9092"}, func(c Config) []string { return c.Kafka.Brokers }},
	"PARQUET_BLOOM": {[]string{"DeviceId", "AccountName"}, func(c Config) []string { return c.Parquet.Bloom }},
}

// A comma too many changes nothing, and a list of nothing but commas is not "unset": the
// sink would be off without a word.
func TestCommaLists(t *testing.T) {
	t.Parallel()
	for _, v := range Variables() {
		if v.Type.Kind() != reflect.Slice {
			continue
		}
		list, listed := lists[v.Name]
		if !listed || v.Type != reflect.TypeFor[setting.List]() {
			t.Errorf("%s is a list that is not tested, or of type %s", v.Name, v.Type)
			continue
		}
		a, b := list.items[0], list.items[1]
		for _, value := range []string{a + "," + b, "," + a + "," + b, a + "," + b + ",", a + ",," + b, " " + a + " ,\n" + b + "\r\n", ", ," + a + ", , " + b + " ,,"} {
			cfg, problems := judged(t, nil, usable(v.Name, value))
			if got := list.read(cfg); len(problems) > 0 || !slices.Equal(got, list.items) {
				t.Errorf("%s=%q is %q, %v", v.Name, value, got, problems)
			}
		}
		for _, value := range []string{",", " ", " , ,", "\n"} {
			if _, problems := judged(t, nil, usable(v.Name, value)); len(problems) != 1 || problems[0].Variable != v.Name {
				t.Errorf("%s=%q: %v", v.Name, value, problems)
			}
		}
	}
}
