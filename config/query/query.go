// Package query reads files of custom queries, KQL with a head of comments, and judges which
// of them can be exported.
package query

import (
	"fmt"
	"os"
	"strings"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/setting"
)

// Custom is one *.kql file: `// key: value` lines at its head, then KQL.
type Custom struct {
	Name string
	Mode hunting.Mode
	Time string // column of the event's own time, of a snapshot when it was taken; empty: none
	// TimeNamed: the head names the column; it is no default.
	TimeNamed bool
	Key       string
	Identity  []string // columns that tell rows apart, and decide the slice of a row
	// JoinWindow: rows that the query joins meet within one window only.
	JoinWindow bool
	KQL        string
}

// Remark is what is to be said of a query's file.
type Remark struct {
	Line int    `json:"line"` // from 1; 0: the file as a whole
	Text string `json:"text"`
}

func (r Remark) String() string {
	if r.Line == 0 {
		return r.Text
	}
	return fmt.Sprintf("line %d: %s", r.Line, r.Text)
}

// File is a file of a query, what speaks against its query and what its author should know.
type File struct {
	Custom
	Path            string
	Refused, Warned []Remark
	// Instead is the mode that the query as it stands would be accepted with, if the head
	// names none and there is one.
	Instead hunting.Mode
}

func (j *File) refuse(line int, format string, args ...any) {
	j.Refused = append(j.Refused, Remark{line, fmt.Sprintf(format, args...)})
}

func (j *File) warn(line int, format string, args ...any) {
	j.Warned = append(j.Warned, Remark{line, fmt.Sprintf(format, args...)})
}

const variable = "EXPORT_QUERIES"

// Load reads the *.kql files of a folder and those below it, by name.
func Load(dir string) (queries []Custom, problems []setting.Problem) {
	if dir == "" {
		return nil, nil
	}
	var l setting.Problems
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		reason := "is not a directory"
		if err != nil {
			reason = "cannot be read"
		}
		l.Add(variable, dir, reason, "name a directory that holds *.kql files")
		return nil, l
	}
	found, err := find(dir)
	switch {
	case err != nil:
		l.Add(variable, dir, err.Error(), "correct the folder")
	case len(found.meant) > 0:
		l.Add(variable, dir, "holds queries that would not be read, since their names do not end in .kql: "+strings.Join(found.meant, ", "),
			"rename them, or take them out of the folder")
	case len(found.paths) == 0:
		l.Add(variable, dir, "holds no *.kql file", "put one custom query a file there, or unset it")
	}
	for _, q := range judgeAll(found.paths, nil) {
		for _, r := range q.Refused {
			l.Add(variable, q.Path, r.String(), q.fix())
		}
		if len(q.Refused) == 0 {
			queries = append(queries, q.Custom)
		}
	}
	return queries, l
}

// Warnings are what the authors of the queries should know.
func Warnings(dir string) (all []string) {
	if dir == "" {
		return nil
	}
	found, err := find(dir)
	if err != nil {
		return nil // which ends the run
	}
	for _, q := range judgeAll(found.paths, nil) {
		for _, r := range q.Warned {
			all = append(all, q.Path+": "+r.String())
		}
	}
	return append(all, found.warnings()...)
}

// judgeAll reads and judges queries. Of files that give one name the first has it, also
// where another case is all that tells them apart: files and topics would collide.
func judgeAll(paths []string, stdin []byte) []File {
	all := make([]File, len(paths))
	names := map[string]File{}
	for i, path := range paths {
		data, err := readQuery(path, stdin)
		if err != nil {
			all[i].Path = path
			all[i].refuse(0, "%s", err)
			continue
		}
		q := judgeText(path, data)
		if other, twice := names[strings.ToLower(q.Name)]; q.Name != "" && twice {
			if q.Name == other.Name {
				q.refuse(0, "its name %s is that of %s as well: name each otherwise", q.Name, other.Path)
			} else {
				q.refuse(0, "its name %s differs from the name %s of %s in case only, and files and topics would collide: name it otherwise", q.Name, other.Name, other.Path)
			}
		} else {
			names[strings.ToLower(q.Name)] = q
		}
		all[i] = q
	}
	return all
}

// fix is what to do about a query that is refused.
func (j *File) fix() string {
	if j.Instead == hunting.ModeAppend {
		return "correct the file"
	}
	return "correct the file; it " + j.instead()
}

// instead says with which mode the query would be accepted.
func (j *File) instead() string {
	text := "would be accepted with // mode: " + string(j.Instead)
	switch {
	case j.Instead == hunting.ModeAggregate:
		text += " (sums of each window, which depend on how time is cut)"
	case len(j.Identity) == 0:
		text += " and // identity: COLUMNS that tell its rows apart (the whole answer at EXPORT_SNAPSHOT_INTERVAL)"
	default:
		text += " (the whole answer at EXPORT_SNAPSHOT_INTERVAL)"
	}
	return text
}
