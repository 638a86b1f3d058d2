package main

import (
	"regexp"
	"slices"
	"strings"
)

var (
	// ours are the prefixes of which an unknown variable is likely a typing error.
	ours = []string{"SOURCE_", "EXPORT_", "KAFKA_", "LAKE_", "STATE_", "PIPELINE_", "PARQUET_", "TRANSFORM_"}
	// injected are variables that Kubernetes makes for a Service of such a name.
	injected = regexp.MustCompile(`_SERVICE_(HOST|PORT)|_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$`)
)

// unknown describes each variable of ours in the environment that nothing reads.
func unknown(v *values) []string {
	known := map[string]bool{}
	for _, x := range variables() {
		known[x.Name] = true
		if x.Secret {
			known[x.Name+fileSuffix] = true
		}
	}
	var out []string
	for name := range v.env {
		mine := slices.ContainsFunc(ours, func(p string) bool { return strings.HasPrefix(name, p) })
		if !mine || known[name] || injected.MatchString(name) {
			continue
		}
		out = append(out, name+" is not a variable of this version and is ignored"+didYouMean(name, known))
	}
	slices.Sort(out)
	return out
}

// warnings name what is set and has no effect.
func (v *values) warnings() []string { return slices.Concat(unknown(v), proxyWarnings(v)) }

// didYouMean suggests the known name that was probably meant, if there is one.
func didYouMean(name string, known map[string]bool) string {
	if near := nearest(name, known); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// nearest is the known name that few typing errors lead to, or "".
func nearest(name string, known map[string]bool) string {
	best, least := "", max(2, len(name)/4)+1
	for k := range known {
		if d := distance(name, k); d < least || d == least && best != "" && k < best {
			best, least = k, d
		}
	}
	return best
}

// distance counts the insertions, deletions and replacements from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
