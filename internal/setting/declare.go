package setting

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Variable is one setting, as the tags of a field of its package's Config declare it:
//
//	env      name and default, as go-envconfig reads them
//	help     one sentence; 'code' in quotes
//	values   all values there are, if they can be listed, unless the field's type has a method
//	         Values; anycase: in any case
//	range    least and most, 1..64; of a number, a duration or an amount
//	wrong    what is said of a value outside of values or range, instead of the usual
//	fix      what is said to do about it, the same
//	literal  that it names something which need not exist: a placeholder in it goes unnoticed
//	later    values that a later version takes
//	chart    how Helm's chart takes it: a pattern, a definition of its schema, file, or no
//	preset   its default in the chart, where that is another
type Variable struct {
	Name, Default string
	Help          string
	Type          reflect.Type // of its value
	Secret        bool         // also read from the file that <Name>_FILE names
	Values        []string
	Literal       bool
	Chart, Preset string

	later       []string
	anyCase     bool
	least, most int64 // of Ranged
	ranged      bool
	wrong, fix  string
}

// Declared is the setting that a field is, if it is one.
func Declared(f reflect.StructField) (v Variable, ok bool) {
	tag := f.Tag.Get("env")
	if tag == "" {
		return v, false
	}
	name, options, _ := strings.Cut(tag, ",")
	_, fallback, _ := strings.Cut(options, "default=")
	v = Variable{
		Name: name, Default: fallback, Help: f.Tag.Get("help"), Type: f.Type, Secret: f.Type == reflect.TypeFor[Secret](),
		Values: strings.Fields(f.Tag.Get("values")), Chart: f.Tag.Get("chart"), Preset: f.Tag.Get("preset"),
		later: strings.Fields(f.Tag.Get("later")), wrong: f.Tag.Get("wrong"), fix: f.Tag.Get("fix"), least: math.MinInt64, most: math.MaxInt64,
	}
	if list, ok := reflect.Zero(f.Type).Interface().(interface{ Values() []string }); ok {
		v.Values = list.Values()
	}
	_, v.anyCase = f.Tag.Lookup("anycase")
	_, v.Literal = f.Tag.Lookup("literal")
	var bounds string
	if bounds, v.ranged = f.Tag.Lookup("range"); v.ranged {
		least, most, _ := strings.Cut(bounds, "..")
		v.least = number(f.Type, least)
		if most != "" {
			v.most = number(f.Type, most)
		}
	}
	return v, true
}

// number reads a bound as a value of the setting's type. One that cannot be read is a fault
// of this program, which any test finds.
func number(t reflect.Type, text string) int64 {
	var n int64
	var err error
	switch t {
	case reflect.TypeFor[time.Duration]():
		var d time.Duration
		d, err = time.ParseDuration(text)
		n = int64(d)
	case reflect.TypeFor[Bytes]():
		err = (*Bytes)(&n).UnmarshalText([]byte(text))
	default:
		n, err = strconv.ParseInt(text, 10, 64)
	}
	if err != nil {
		panic(fmt.Sprintf("bound of a setting: %v", err))
	}
	return n
}

// said is a value of the setting's type as people write it.
func (v Variable) said(n int64) string {
	switch v.Type {
	case reflect.TypeFor[time.Duration]():
		return Short(time.Duration(n))
	case reflect.TypeFor[Bytes]():
		return Bytes(n).String()
	}
	return strconv.FormatInt(n, 10)
}

// Flag is the name of the variable's flag: EXPORT_TABLES → export-tables.
func (v Variable) Flag() string { return strings.ToLower(strings.ReplaceAll(v.Name, "_", "-")) }

// Explained is what the setting means, with code in quotes and all values there are.
func (v Variable) Explained() string {
	if len(v.Values) == 0 || strings.Contains(v.Help, "'"+v.Values[0]+"'") {
		return v.Help
	}
	return v.Help + ": '" + strings.ReplaceAll(strings.ReplaceAll(OneOf(v.Values), ", ", "', '"), " or ", "' or '") + "'"
}

// Others are values that the setting may have instead of its default, as far as its tags
// say which; and values that it may not have.
func (v Variable) Others() (good, bad []string) {
	switch {
	case v.Type.Kind() == reflect.Bool:
		return []string{strconv.FormatBool(v.Default != "true")}, []string{"perhaps"}
	case len(v.Values) > 0:
		good, bad = slices.Clone(v.Values), []string{"none of them"}
	case v.ranged:
		good, bad = []string{v.said(v.least)}, []string{v.said(v.least - 1), "many"}
		if v.most < math.MaxInt64 {
			good, bad = append(good, v.said(v.most)), append(bad, v.said(v.most+1))
		}
	}
	return slices.DeleteFunc(good, func(s string) bool { return s == v.Default }), bad
}

// IsLater is what is said of a setting that this version does not have yet.
const IsLater = "is of a later version"

// Judge reports the settings of a Config whose values its tags do not allow. Whatever else
// may be wrong with them is for its package to say.
func Judge(cfg any) (l Problems) {
	c := reflect.ValueOf(cfg)
	for i := range c.NumField() {
		v, ok := Declared(c.Type().Field(i))
		if !ok {
			continue
		}
		f := c.Field(i)
		switch {
		case f.Kind() == reflect.String && slices.Contains(v.later, f.String()):
			l.Add(v.Name, f.String(), IsLater, "unset it, or set "+OneOf(v.Values))
		case len(v.Values) > 0 && (f.String() != "" || v.Default != "") && !slices.ContainsFunc(v.Values, func(allowed string) bool {
			return f.String() == allowed || v.anyCase && strings.EqualFold(f.String(), allowed)
		}):
			v.refuse(&l, f.String(), "is not one of the values there are", "set "+OneOf(v.Values))
		case v.ranged && (f.Int() < v.least || f.Int() > v.most):
			kind := "number"
			switch v.Type {
			case reflect.TypeFor[time.Duration]():
				kind = "duration"
			case reflect.TypeFor[Bytes]():
				kind = "number of bytes"
			}
			v.refuse(&l, fmt.Sprint(f.Interface()), "out of range", fmt.Sprintf("set a %s from %s to %s", kind, v.said(v.least), v.said(v.most)))
		}
	}
	return l
}

func (v Variable) refuse(l *Problems, value, reason, fix string) {
	if v.wrong != "" {
		reason = v.wrong
	}
	if v.fix != "" {
		fix = v.fix
	}
	l.Add(v.Name, value, reason, fix)
}

// OneOf lists values: a, b or c.
func OneOf(values []string) string {
	last := len(values) - 1
	if last < 1 {
		return strings.Join(values, "")
	}
	return strings.Join(values[:last], ", ") + " or " + values[last]
}

// WithDefaults is a Config whose numbers and texts that are not set have their defaults, for
// callers that make one themselves.
func WithDefaults[T any](cfg T) T {
	c := reflect.ValueOf(&cfg).Elem()
	for i := range c.NumField() {
		v, ok := Declared(c.Type().Field(i))
		switch f := c.Field(i); {
		case !ok || v.Default == "" || !f.IsZero():
		case f.CanInt():
			f.SetInt(number(v.Type, v.Default))
		case f.Kind() == reflect.String:
			f.SetString(v.Default)
		}
	}
	return cfg
}
