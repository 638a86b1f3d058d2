package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"hunting-exporter/internal/setting"
	"hunting-exporter/pipeline"
	"hunting-exporter/schema"
	"hunting-exporter/source/kql/judge"
)

// customQuery is one *.kql file: `// key: value` lines at its head, then KQL.
type customQuery struct {
	Name string
	Mode pipeline.Mode
	Time string // column of the event's own time, of a snapshot when it was taken; empty: none
	// TimeNamed: the head names the column; it is no default.
	TimeNamed bool
	Key       string
	Identity  []string // columns that tell rows apart, and decide the slice of a row
	KQL       string
}

var (
	headerLine = regexp.MustCompile(`^//\s*([A-Za-z_]+)\s*:\s*(.*?)\s*$`)
	headerKeys = []string{"name", "time", "key", "identity", "mode"}
	modes      = map[string]pipeline.Mode{
		"": pipeline.ModeAppend, "append": pipeline.ModeAppend,
		"aggregate": pipeline.ModeAggregate, "snapshot": pipeline.ModeSnapshot,
	}
)

const (
	queriesVariable = "EXPORT_QUERIES"
	maxQueryBytes   = 1 << 20 // the API takes no longer query
)

// loadQueries reads every *.kql file of a directory, in the order of their names.
func loadQueries(dir string) (queries []customQuery, problems []setting.Problem) {
	if dir == "" {
		return nil, nil
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		reason := "is not a directory"
		if err != nil {
			reason = "cannot be read"
		}
		return nil, []setting.Problem{{Variable: queriesVariable, Value: dir, Reason: reason, Fix: "name a directory that holds *.kql files"}}
	}
	paths, err := filepath.Glob(filepath.Join(globEscape(dir), "*.kql"))
	if err != nil || len(paths) == 0 {
		return nil, []setting.Problem{{Variable: queriesVariable, Value: dir, Reason: "holds no *.kql file", Fix: "put one custom query a file there, or unset it"}}
	}
	for _, path := range paths {
		q, errs := loadQuery(path)
		for _, err := range errs {
			problems = append(problems, setting.Problem{Variable: queriesVariable, Value: path, Reason: err.Error(), Fix: "correct the file"})
		}
		if len(errs) == 0 {
			queries = append(queries, q)
		}
	}
	return queries, problems
}

var globMeta = regexp.MustCompile(`[\\*?\[]`)

func globEscape(dir string) string { return globMeta.ReplaceAllString(dir, `\$0`) }

func loadQuery(path string) (customQuery, []error) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxQueryBytes {
		return customQuery{}, []error{fmt.Errorf("is longer than the %d bytes that the API takes", maxQueryBytes)}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return customQuery{}, []error{errors.New("cannot be read")}
	}
	return parseQuery(string(data))
}

// parseQuery reads the header and checks that the query can be exported in its mode.
func parseQuery(text string) (q customQuery, errs []error) {
	text = strings.TrimPrefix(text, "\ufeff")
	q.KQL = strings.TrimSpace(text)
	header := map[string]string{}
	s := bufio.NewScanner(strings.NewReader(text))
	s.Buffer(nil, maxQueryBytes+1)
	for n := 1; s.Scan(); n++ {
		line := strings.TrimSpace(s.Text())
		if line != "" && !strings.HasPrefix(line, "//") {
			break
		}
		m := headerLine.FindStringSubmatch(line)
		if m == nil { // an ordinary comment
			continue
		}
		key := strings.ToLower(m[1])
		if _, twice := header[key]; twice {
			errs = append(errs, fmt.Errorf("line %d: %s is given twice", n, key))
		}
		if !slices.Contains(headerKeys, key) {
			errs = append(errs, fmt.Errorf("line %d: there is no header key %q (%s are)", n, m[1], strings.Join(headerKeys, ", ")))
		}
		header[key] = m[2]
	}
	errs = append(errs, q.take(header)...)
	mode, known := modes[header["mode"]]
	if !known {
		return q, append(errs, fmt.Errorf("mode %q: append (rows of one window after the other), aggregate (sums of each window) or snapshot (all rows, once in a while)", header["mode"]))
	}
	o := judge.Options{Mode: mode, Time: q.Time}
	if mode == pipeline.ModeAggregate && !q.TimeNamed { // sums need no time
		o.Time = ""
	}
	v := judge.Query(text, o) // of the text as it is, for the numbers of its lines
	for _, r := range v.Refused {
		errs = append(errs, errors.New(r.String()))
	}
	return q, errs
}

// take fills the query from its header and reports what is wrong with it.
func (q *customQuery) take(header map[string]string) (errs []error) {
	q.Name, q.Mode, q.Key = header["name"], modes[header["mode"]], header["key"]
	if q.Time, q.TimeNamed = header["time"]; !q.TimeNamed {
		q.Time = "Timestamp"
		if q.Mode == pipeline.ModeSnapshot {
			q.Time = schema.SnapshotTime
		}
	}
	for column := range strings.SplitSeq(header["identity"], ",") {
		if column = strings.TrimSpace(column); column != "" {
			q.Identity = append(q.Identity, column)
		}
	}
	switch {
	case q.Name == "":
		errs = append(errs, errors.New(`has no name: put "// name: MyQuery" on its first line`))
	case !schema.ValidName(q.Name):
		errs = append(errs, fmt.Errorf("name %q: only letters, digits and _, not beginning with a digit", q.Name))
	}
	for _, column := range []string{q.Time, q.Key} {
		if column != "" && !schema.ValidName(column) {
			errs = append(errs, fmt.Errorf("column %q: only letters, digits and _, not beginning with a digit", column))
		}
	}
	for _, column := range q.Identity {
		if !schema.ValidName(column) {
			errs = append(errs, fmt.Errorf("identity column %q: only letters, digits and _, not beginning with a digit; "+
				"identity lists the columns that tell rows apart and by whose hash an answer that is too large is cut", column))
		}
	}
	return errs
}
