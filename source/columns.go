package source

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
	"hunting-exporter/source/call"
)

// rows asks for rows of a dataset. A custom query whose answers lack what its head names is
// refused by the first of them, or by the API's word for it: rows would go without time,
// key or identity, and nobody would notice.
func (r *Reader) rows(ctx context.Context, p call.Target, text string) (hunting.Answer, error) {
	a, err := r.client.Ask(ctx, p, text)
	if err != nil {
		return a, about(p.Rows, err)
	}
	if reason := unfit(p.Rows, a.Columns); reason != "" {
		a.Release()
		return hunting.Answer{}, &hunting.RefusalError{Reason: reason}
	}
	return a, nil
}

// unfit is why rows with these columns are no answer of a custom query; empty: they are.
func unfit(ds hunting.Dataset, columns []schema.Column) string {
	types := map[string]string{}
	names := make([]string, len(columns))
	for i, c := range columns {
		types[c.Name], names[i] = c.Type, c.Name
	}
	var missing []string
	for _, name := range ds.Needs {
		if types[name] == "" && !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
	}
	switch {
	case len(columns) == 0: // an answer without rows may not say
		return ""
	case len(missing) > 0:
		return lacks(ds, missing...) + " (it has " + strings.Join(names, ", ") + ")"
	case slices.Contains(ds.Needs, ds.TimeColumn) && types[ds.TimeColumn] != dateTime:
		return noTime(ds, types[ds.TimeColumn])
	}
	return ""
}

// dateTime is the API's name of a time's type.
const dateTime = "DateTime"

// lacks says that columns are missing, and by which line of its head a query names others.
func lacks(ds hunting.Dataset, missing ...string) string {
	var keys []string
	for _, by := range []struct {
		key     string
		columns []string
	}{{"time", []string{ds.TimeColumn}}, {"key", []string{ds.Key}}, {"identity", ds.Identity}} {
		if slices.ContainsFunc(missing, func(name string) bool { return slices.Contains(by.columns, name) }) {
			keys = append(keys, "// "+by.key+":")
		}
	}
	return fmt.Sprintf("the answer has no column %s: keep it, or name another by %s", strings.Join(missing, ", "), strings.Join(keys, ", "))
}

// noTime says that the time column is of another type.
func noTime(ds hunting.Dataset, kind string) string {
	return fmt.Sprintf("the column %s of the answer is of the type %s, and no datetime: make it one by todatetime(), or name another by // time:", ds.TimeColumn, kind)
}

// incomparable is what the API says of a time that is compared with something else.
var incomparable = regexp.MustCompile(`(?i)compare values of types (?:(\w+) and datetime|datetime and (\w+))`)

// about is err as a refusal of the columns of a custom query, where the API says that one
// which the head names is not there, or no time: what keeps the rows to their window, or
// to their slice, needs it.
func about(ds hunting.Dataset, err error) error {
	var e *call.Error
	if !errors.As(err, &e) || e.Kind != call.Query || ds.Query == "" {
		return err
	}
	reason := ""
	if strings.Contains(strings.ToLower(e.Message), "failed to resolve") {
		for _, name := range ds.Needs {
			if strings.Contains(e.Message, "'"+name+"'") {
				reason = lacks(ds, name)
			}
		}
	} else if m := incomparable.FindStringSubmatch(e.Message); m != nil && slices.Contains(ds.Needs, ds.TimeColumn) {
		reason = noTime(ds, m[1]+m[2]) + " (unless the query itself compares such a value with a time)"
	}
	if reason == "" {
		return err
	}
	other := *e
	other.Fix, other.Cause = reason, &hunting.RefusalError{Reason: reason}
	return &other
}
