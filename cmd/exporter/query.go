package main

import (
	"fmt"
	"os"
	"strings"

	"hunting-exporter/internal/setting"
	"hunting-exporter/pipeline"
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
	// JoinWindow: rows that the query joins meet within one window only.
	JoinWindow bool
	KQL        string
}

// remark is what is to be said of a query's file.
type remark struct {
	Line int    `json:"line"` // from 1; 0: the file as a whole
	Text string `json:"text"`
}

func (r remark) String() string {
	if r.Line == 0 {
		return r.Text
	}
	return fmt.Sprintf("line %d: %s", r.Line, r.Text)
}

// judgedQuery is a file, what speaks against its query and what its author should know.
type judgedQuery struct {
	customQuery
	File            string
	Refused, Warned []remark
	// Instead is the mode that the query as it stands would be accepted with, if the head
	// names none and there is one.
	Instead pipeline.Mode
}

func (j *judgedQuery) refuse(line int, format string, args ...any) {
	j.Refused = append(j.Refused, remark{line, fmt.Sprintf(format, args...)})
}

func (j *judgedQuery) warn(line int, format string, args ...any) {
	j.Warned = append(j.Warned, remark{line, fmt.Sprintf(format, args...)})
}

const queriesVariable = "EXPORT_QUERIES"

// loadQueries reads the *.kql files of a folder and those below it, by name.
func loadQueries(dir string) (queries []customQuery, problems []setting.Problem) {
	if dir == "" {
		return nil, nil
	}
	var l problemList
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		reason := "is not a directory"
		if err != nil {
			reason = "cannot be read"
		}
		l.add(queriesVariable, dir, reason, "name a directory that holds *.kql files")
		return nil, l
	}
	found, err := findQueries(dir)
	switch {
	case err != nil:
		l.add(queriesVariable, dir, err.Error(), "correct the folder")
	case len(found.meant) > 0:
		l.add(queriesVariable, dir, "holds queries that would not be read, since their names do not end in .kql: "+strings.Join(found.meant, ", "),
			"rename them, or take them out of the folder")
	case len(found.paths) == 0:
		l.add(queriesVariable, dir, "holds no *.kql file", "put one custom query a file there, or unset it")
	}
	for _, q := range judgeFiles(found.paths, nil) {
		for _, r := range q.Refused {
			l.add(queriesVariable, q.File, r.String(), q.fix())
		}
		if len(q.Refused) == 0 {
			queries = append(queries, q.customQuery)
		}
	}
	return queries, l
}

// queryWarnings are what the authors of the queries should know.
func (c Config) queryWarnings() (all []string) {
	if c.Export.Queries == "" {
		return nil
	}
	found, err := findQueries(c.Export.Queries)
	if err != nil {
		return nil // which ends the run
	}
	for _, q := range judgeFiles(found.paths, nil) {
		for _, r := range q.Warned {
			all = append(all, q.File+": "+r.String())
		}
	}
	return append(all, found.warnings()...)
}

// judgeFiles reads and judges queries. Of files that give one name the first has it, also
// where another case is all that tells them apart: files and topics would collide.
func judgeFiles(paths []string, stdin []byte) []judgedQuery {
	all := make([]judgedQuery, len(paths))
	names := map[string]judgedQuery{}
	for i, path := range paths {
		data, err := readQuery(path, stdin)
		if err != nil {
			all[i].File = path
			all[i].refuse(0, "%s", err)
			continue
		}
		q := judgeQuery(path, data)
		if other, twice := names[strings.ToLower(q.Name)]; q.Name != "" && twice {
			if q.Name == other.Name {
				q.refuse(0, "its name %s is that of %s as well: name each otherwise", q.Name, other.File)
			} else {
				q.refuse(0, "its name %s differs from the name %s of %s in case only, and files and topics would collide: name it otherwise", q.Name, other.Name, other.File)
			}
		} else {
			names[strings.ToLower(q.Name)] = q
		}
		all[i] = q
	}
	return all
}

// fix is what to do about a query that is refused.
func (j *judgedQuery) fix() string {
	if j.Instead == pipeline.ModeAppend {
		return "correct the file"
	}
	return "correct the file; it " + j.instead()
}

// instead says with which mode the query would be accepted.
func (j *judgedQuery) instead() string {
	text := "would be accepted with // mode: " + string(j.Instead)
	switch {
	case j.Instead == pipeline.ModeAggregate:
		text += " (sums of each window, which depend on how time is cut)"
	case len(j.Identity) == 0:
		text += " and // identity: COLUMNS that tell its rows apart (the whole answer at EXPORT_SNAPSHOT_INTERVAL)"
	default:
		text += " (the whole answer at EXPORT_SNAPSHOT_INTERVAL)"
	}
	return text
}
