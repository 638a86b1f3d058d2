package main

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/sethvargo/go-envconfig"

	"hunting-exporter/internal/setting"
)

// fileSuffix marks the variable that names a file with a secret.
const fileSuffix = "_FILE"

// values is where settings come from: flags before the environment, each by variable.
// An empty value counts as not set, as charts render those.
type values struct {
	flags, env map[string]string
	// masked are variables that could not be parsed: they are set aside so that the
	// rest is looked at as well.
	masked map[string]bool
	files  map[string]string // that secrets were read from, by variable
}

func newValues(flags map[string]string, environ []string) *values {
	v := &values{flags: map[string]string{}, env: map[string]string{}, masked: map[string]bool{}, files: map[string]string{}}
	own := map[string]bool{}
	for _, x := range variables() {
		own[x.Name], own[x.Name+fileSuffix] = true, x.Secret
	}
	for name, value := range flags {
		v.flags[name] = bare(name, value)
	}
	for _, pair := range environ {
		name, value, ok := strings.Cut(pair, "=")
		if ok && own[name] { // else whoever reads it takes it as it is
			value = bare(name, value)
		}
		if ok {
			v.env[name] = value
		}
	}
	return v
}

// bare is a value without the blanks and line ends around it. One of blanks alone is a
// mistake to be told; of what logs in, it is one that is missing.
func bare(name, value string) string {
	if s := setting.Trim(value); s != "" || strings.HasPrefix(name, "AZURE_") || strings.HasPrefix(name, "KAFKA_SASL_") {
		return s
	}
	return value
}

// Lookup implements envconfig.Lookuper.
func (v *values) Lookup(name string) (string, bool) {
	if v.masked[name] {
		return "", false
	}
	for _, from := range []map[string]string{v.flags, v.env} {
		if s := from[name]; s != "" {
			return s, true
		}
	}
	return "", false
}

// readFiles reads the secrets that files hold. Which of a secret and its file is the right
// one cannot be known: the one may be older than the other.
func (v *values) readFiles(vars []Variable) (l problemList) {
	for _, x := range vars {
		for _, from := range []map[string]string{v.flags, v.env} {
			path := from[x.Name+fileSuffix]
			switch direct := from[x.Name] != ""; {
			case !x.Secret || path == "" && !direct:
				continue
			case path != "" && direct:
				l.add(x.Name, setting.Secret(from[x.Name]).String(), x.Name+fileSuffix+" is set as well", "unset one of them")
			case path != "":
				secret, err := setting.ReadSecret(path)
				if err != nil {
					l.add(x.Name+fileSuffix, path, err.Error(), "name a readable file that holds the secret alone")
				}
				from[x.Name] = secret.Reveal()
				v.files[x.Name] = path
			}
			break // flags win
		}
	}
	return l
}

// load reads the configuration and returns everything that cannot be parsed. The
// values themselves are judged by Config.problems.
func load(ctx context.Context, v *values) (Config, []setting.Problem, error) {
	vars := variables()
	problems := slices.Concat(v.readFiles(vars), proxyProblems(v), laterProblems(v), placeholderProblems(v))
	for {
		var cfg Config
		last := "" // the variable that envconfig was at when it gave up
		err := envconfig.ProcessWith(ctx, &envconfig.Config{Target: &cfg, Lookuper: v, Mutators: []envconfig.Mutator{
			envconfig.MutatorFunc(func(_ context.Context, name, _, _, current string) (string, bool, error) {
				last = name
				return current, false, nil
			}),
		}})
		if err == nil {
			cfg.Source.ClientSecretFile = v.files["AZURE_CLIENT_SECRET"]
			cfg.Source.CertificatePasswordFile = v.files["AZURE_CLIENT_CERTIFICATE_PASSWORD"]
			return cfg, problems, nil
		}
		value, set := v.Lookup(last)
		if !set { // a bad default: a fault of this program
			return Config{}, problems, fmt.Errorf("read configuration: %w", err)
		}
		problems = append(problems, parseProblem(vars, last, value))
		v.masked[last] = true
	}
}

// parseProblem says what is wrong with a value that has the wrong form.
func parseProblem(vars []Variable, name, value string) setting.Problem {
	p := setting.Problem{Variable: name, Value: value, Reason: "cannot be read", Fix: "correct it"}
	i := slices.IndexFunc(vars, func(x Variable) bool { return x.Name == name })
	if i < 0 {
		return p
	}
	if vars[i].Secret {
		p.Value = setting.Secret(value).String()
	}
	switch t := vars[i].Type; {
	case t == reflect.TypeFor[time.Duration]():
		p.Reason, p.Fix = "is not a duration", "set a number with a unit, such as 90s, 5m or 24h"
	case t == reflect.TypeFor[setting.List]():
		p.Reason, p.Fix = "is a list that names nothing", "set what it shall name, separated by commas, or unset it"
	case t.Kind() == reflect.Bool:
		p.Reason, p.Fix = "is neither true nor false", "set true or false"
	case t == reflect.TypeFor[setting.Bytes]():
		p.Reason, p.Fix = "is not an amount of memory", "set a number with a unit, such as 256MiB"
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64:
		p.Reason, p.Fix = "is not a whole number", "set digits only"
	}
	return p
}
