package config

import (
	"regexp"
	"slices"
	"strings"

	"hunting-exporter/internal/typo"
)

var (
	// ours are the prefixes of which an unknown variable is likely a typing error.
	ours = []string{"SOURCE_", "EXPORT_", "LAKE_", "S3_", "PARQUET_", "PIPELINE_", "KAFKA_", "STATE_", "TRANSFORM_", "LOG_", "METRICS_"}
	// byAWS are variables that people set and the AWS SDK reads by itself.
	byAWS = []string{
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_ROLE_ARN",
		"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CA_BUNDLE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "AWS_ENDPOINT_URL",
	}
	// service is the endpoint of another service of AWS: one letter beside that of S3.
	service = regexp.MustCompile(`^AWS_ENDPOINT_URL_`)
	// injected are variables that Kubernetes makes for a Service of such a name.
	injected = regexp.MustCompile(`_SERVICE_(HOST|PORT)|_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$`)
)

// Concerns reports whether a variable, or one with its value, is likely meant for the exporter.
func Concerns(name string) bool {
	return slices.ContainsFunc(append([]string{"AZURE_", "AWS_"}, ours...), func(p string) bool { return strings.HasPrefix(name, p) })
}

// unknown describes each variable of the environment that was probably meant for the
// exporter and that nothing reads.
func unknown(v *Values) []string {
	known := map[string]bool{}
	for _, name := range byAWS {
		known[name] = true
	}
	for _, x := range Variables() {
		known[x.Name] = true
		if x.Secret {
			known[x.Name+FileSuffix] = true
		}
	}
	var out []string
	for name := range v.env {
		mine := slices.ContainsFunc(ours, func(p string) bool { return strings.HasPrefix(name, p) })
		if _, refused := later[name]; refused || known[name] || injected.MatchString(name) || !mine && !mistyped(name, known) {
			continue
		}
		out = append(out, name+" is not a variable of this version and is ignored"+typo.DidYouMean(strings.ToUpper(name), known))
	}
	slices.Sort(out)
	return out
}

// Warnings name what is set and has no effect.
func (v *Values) Warnings() []string { return slices.Concat(unknown(v), proxyWarnings(v)) }

// mistyped reports whether a name with another prefix than ours is one of ours with a
// typing error: other programs have variables too.
func mistyped(name string, known map[string]bool) bool {
	const long, few = 10, 2
	return known[strings.ToUpper(name)] || !service.MatchString(name) && len(typo.Nearest(name, known, few)) >= long
}
