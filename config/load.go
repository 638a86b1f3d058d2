package config

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

// FileSuffix marks the variable that names a file with a secret.
const FileSuffix = "_FILE"

// Values is where settings come from: flags before the environment, each by variable.
// An empty value counts as not set, as charts render those.
type Values struct {
	flags, env map[string]string
	// masked are variables that could not be parsed: they are set aside so that the
	// rest is looked at as well.
	masked map[string]bool
	files  map[string]string // that secrets were read from, by variable
}

// NewValues takes flags, by their variables, and an environment.
func NewValues(flags map[string]string, environ []string) *Values {
	v := &Values{flags: map[string]string{}, env: map[string]string{}, masked: map[string]bool{}, files: map[string]string{}}
	own := map[string]bool{}
	for _, x := range Variables() {
		own[x.Name], own[x.Name+FileSuffix] = true, x.Secret
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
func (v *Values) Lookup(name string) (string, bool) {
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
func (v *Values) readFiles(vars []Variable) (l setting.Problems) {
	for _, x := range vars {
		for _, from := range []map[string]string{v.flags, v.env} {
			path := from[x.Name+FileSuffix]
			switch direct := from[x.Name] != ""; {
			case !x.Secret || path == "" && !direct:
				continue
			case path != "" && direct:
				l.Add(x.Name, setting.Secret(from[x.Name]).String(), x.Name+FileSuffix+" is set as well", "unset one of them")
			case path != "":
				secret, err := setting.ReadSecret(path)
				if err != nil {
					l.Add(x.Name+FileSuffix, path, err.Error(), "name a readable file that holds the secret alone")
				}
				from[x.Name] = secret.Reveal()
				v.files[x.Name] = path
			}
			break // flags win
		}
	}
	return l
}

// Load reads the configuration and refuses it with all of its problems at once.
func Load(ctx context.Context, v *Values, judge func(Config) []setting.Problem) (Config, error) {
	cfg, problems, err := parse(ctx, v)
	if err != nil {
		return Config{}, err
	}
	failed := map[string]bool{} // a secret whose file cannot be read is not missing as well
	seen := map[string]bool{}   // packages share variables and then say the same
	for _, p := range problems {
		failed[p.Variable] = true
	}
	for _, p := range judge(cfg) {
		said := p.Variable + "\x00" + p.Value + "\x00" + p.Reason
		if !failed[p.Variable] && !failed[p.Variable+FileSuffix] && !seen[said] {
			problems = append(problems, p)
		}
		seen[said] = true
	}
	if len(problems) > 0 {
		return cfg, &setting.Error{Problems: problems}
	}
	return cfg, nil
}

// parse reads the configuration and returns everything that cannot be parsed. The
// values themselves are judged by Config.Problems.
func parse(ctx context.Context, v *Values) (Config, []setting.Problem, error) {
	vars := Variables()
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
			cfg.Kafka.Region = cfg.Blob.Region
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
