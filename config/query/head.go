package query

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/typo"
	"hunting-exporter/schema"
)

var (
	headerLine = regexp.MustCompile(`^//+\s*([A-Za-z_]+)\s*([:=])\s*(.*?)\s*$`)
	headerKeys = []string{"name", "time", "key", "identity", "mode", "join"}
	// ordinary words begin comments, and are a letter away from a key.
	ordinary = []string{"code", "made", "model", "more", "node", "same"}
	modes    = map[string]hunting.Mode{
		"": hunting.ModeAppend, "append": hunting.ModeAppend,
		"aggregate": hunting.ModeAggregate, "snapshot": hunting.ModeSnapshot,
	}
)

// LongestName leaves room for all that a directory's files in progress have in their names,
// of which file systems hold 255 bytes.
const LongestName = 80

// head is what the comments before a query say.
type head map[string]entry

type entry struct {
	line  int
	value string
}

// readHead reads the keys at the head of a file, in any case. Other comments are comments,
// unless somebody has likely mistyped a key.
func (j *File) readHead(text string) head {
	h, over := head{}, false
	for i, line := range strings.Split(text, "\n") {
		n, m := i+1, headerLine.FindStringSubmatch(strings.TrimSpace(line))
		if over = over || !comment(line); m == nil {
			continue
		}
		key := strings.ToLower(m[1])
		known := slices.Contains(headerKeys, key)
		switch near := nearKey(key); {
		case over && known:
			j.warn(n, "// %s: stands after the beginning of the query and is a comment: put it before", key)
		case over:
		case !known && near != "":
			j.refuse(n, "%q is no key of the head: did you mean %s? (a comment: put another word before the colon)", m[1], near)
		case !known:
		case m[2] == "=":
			j.refuse(n, `write "// %s: %s", with a colon`, key, m[3])
		default:
			if _, twice := h[key]; twice {
				j.refuse(n, "%s is given twice", key)
			}
			h[key] = entry{n, m[3]}
		}
	}
	return h
}

// nearKey is the key that was likely meant: one letter too many, too few, another or two
// exchanged, or the plural; of the long one two letters.
func nearKey(word string) string {
	if slices.Contains(headerKeys, word) || slices.Contains(ordinary, word) {
		return ""
	}
	singular := strings.TrimSuffix(word, "s")
	if s, plural := strings.CutSuffix(word, "ies"); plural {
		singular = s + "y"
	}
	for _, key := range headerKeys {
		most := 1
		if len(key) > 5 && word[0] == key[0] {
			most = 2
		}
		if singular == key || typo.Distance(word, key) <= most || exchanged(word, key) {
			return key
		}
	}
	return ""
}

// exchanged reports whether two neighbouring letters are all that differs.
func exchanged(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) - 1 {
		if a[:i]+string(a[i+1])+string(a[i])+a[i+2:] == b {
			return true
		}
	}
	return false
}

// take fills the query from its head and says what is wrong with it.
func (j *File) take(h head) {
	var known bool
	mode := h["mode"]
	if j.Mode, known = modes[strings.ToLower(mode.value)]; !known {
		j.refuse(mode.line, "mode %q: append (rows of one window after the other), aggregate (sums of each window) or snapshot (all rows, once in a while)", mode.value)
	}
	j.takeName(h["name"])
	j.Key = h["key"].value
	if _, j.TimeNamed = h["time"]; j.TimeNamed {
		j.Time = h["time"].value
	} else if j.Time = "Timestamp"; j.Mode == hunting.ModeSnapshot {
		j.Time = schema.SnapshotTime
	}
	for _, key := range []string{"time", "key"} {
		if e := h[key]; e.value != "" && !schema.ValidName(e.value) {
			j.refuse(e.line, "%s column %q: only letters, digits and _, not beginning with a digit", key, e.value)
		}
	}
	for column := range strings.SplitSeq(h["identity"].value, ",") {
		if column = strings.TrimSpace(column); column == "" {
			continue
		}
		if !schema.ValidName(column) {
			j.refuse(h["identity"].line, "identity column %q: only letters, digits and _, not beginning with a digit; "+
				"identity lists the columns that tell rows apart and by whose hash an answer that is too large is cut", column)
		}
		j.Identity = append(j.Identity, column)
	}
	if j.Mode == hunting.ModeSnapshot && len(j.Identity) == 0 {
		j.refuse(0, "is a snapshot without identity: one that is too large for an answer is cut by the hash of columns that stay as they are; "+
			`name them in the file's head, e.g. "// identity: DeviceId"`)
	}
	j.takeJoin(h)
}

func (j *File) takeName(name entry) {
	j.Name = name.value
	switch {
	case j.Name == "":
		j.refuse(name.line, `has no name: put "// name: %s" on its first line`, properName(strings.TrimSuffix(filepath.Base(j.Path), filepath.Ext(j.Path))))
	case !schema.ValidName(j.Name):
		j.refuse(name.line, "name %q: only letters, digits and _, not beginning with a digit, such as %s", j.Name, properName(j.Name))
	case strings.HasPrefix(j.Name, "_"):
		j.refuse(name.line, "name %q begins with _: what is the exporter's own does (_meta lies beside the datasets), and Hive, Spark and Athena take such a folder for a hidden one; let it begin with a letter", j.Name)
	case len(j.Name) > LongestName:
		j.refuse(name.line, "name %q has %d letters: with tenant, day and commit a file's name would be too long; use %d at most", j.Name, len(j.Name), LongestName)
	}
}

// takeJoin reads what becomes of rows of two sides that are joined.
func (j *File) takeJoin(h head) {
	join, given := h["join"]
	j.JoinWindow = strings.EqualFold(join.value, "window")
	switch {
	case !given:
	case !j.JoinWindow:
		j.refuse(join.line, "join %q: window is all that there is (rows that the query joins meet within one window only); which rows a join pairs is said by its kind, in the query", join.value)
	case j.Mode == hunting.ModeSnapshot:
		j.refuse(join.line, "a snapshot has no windows: remove join: window")
	}
}

// properName makes the name of a query out of other words.
func properName(words string) string {
	var b strings.Builder
	for _, word := range strings.FieldsFunc(words, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	name := strings.TrimLeft(b.String(), "0123456789")
	if name == "" || len(name) > LongestName {
		return "MyQuery"
	}
	return strings.ToUpper(name[:1]) + name[1:]
}
