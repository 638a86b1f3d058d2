package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"hunting-exporter/internal/setting"
)

// later are the contract's variables that this version lacks, each with the value under
// which a later version does what this one does, if there is one. Whoever sets another
// counts on it: to run all the same would put rows where nobody looks for them, or leave
// a monitor without data, and end with exit code 0.
var later = map[string]string{
	"SOURCE_SHARE": "", "LAKE_LAYOUT": "hive", "KAFKA_COMPRESSION": "zstd", "KAFKA_TOPIC_CREATE": "", "KAFKA_VALUE": "json",
	"KAFKA_SCHEMA_REGISTRY_URL": "", "METRICS_PUSH_URL": "",
}

// laterProblems are the settings of a later version. Those of which this version has no
// value are not repeated: they may hold credentials.
func laterProblems(v *Values) setting.Problems {
	var l setting.Problems
	for _, name := range slices.Sorted(maps.Keys(v.env)) {
		value := v.env[name]
		same, listed := later[name]
		switch {
		case value == "" || listed && value == same:
		case listed && same != "":
			l.Add(name, value, setting.IsLater, "unset it, or set "+same)
		case listed:
			l.Add(name, setting.Secret(value).String(), setting.IsLater, "unset it")
		case telemetry(name, value) && !strings.EqualFold(v.env["OTEL_SDK_DISABLED"], "true"):
			l.Add(name, setting.Secret(value).String(), setting.IsLater, "unset it, or set OTEL_SDK_DISABLED=true where other programs need it")
		}
	}
	return l
}

// telemetry reports whether a variable of OpenTelemetry asks for something to be sent. The
// others, such as OTEL_SERVICE_NAME, only describe.
func telemetry(name, value string) bool {
	return strings.HasPrefix(name, "OTEL_EXPORTER_") || strings.HasPrefix(name, "OTEL_") && strings.HasSuffix(name, "_EXPORTER") && value != "none"
}

var (
	// placeholder is what tools that fill in templates leave behind: {x}, ${x}, {{ .x }},
	// $(x), <x>; or a shell that never saw the value: $X, ~.
	placeholder = regexp.MustCompile(`[{}<>]|\$\(|^[$~]`)
	// quoted: a file of variables for a container keeps the quotes, and a directory would
	// be called so.
	quoted = regexp.MustCompile(`^["'\x60]`)
)

// placeholderProblems are the values that nobody filled in.
func placeholderProblems(v *Values) setting.Problems {
	var l setting.Problems
	for _, x := range Variables() {
		name := x.Name
		value, _ := v.Lookup(name)
		if !x.Literal {
			continue
		}
		if quoted.MatchString(value) {
			l.Add(name, setting.Redact(value), "begins with a quote, which nothing takes off", "write the value without quotes")
			continue
		}
		if !placeholder.MatchString(value) {
			continue
		}
		fix := "write the value itself"
		if name == "LAKE_URL" {
			fix += ", and LAKE_TENANT=true for a folder per tenant"
		}
		l.Add(name, setting.Redact(value), "holds a placeholder, which nothing replaces", fix)
	}
	return l
}
