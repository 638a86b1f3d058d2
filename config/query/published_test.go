package query

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

const windowed = "DeviceEvents\n| where Timestamp >= _startTime and Timestamp < _endTime\n"

// folder writes files, by their paths in it.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// namesOf gives the names of the queries in a folder, and what is said of the others.
func namesOf(dir string) (names string, problems []string) {
	queries, found := Load(dir)
	for _, q := range queries {
		names += q.Name + " "
	}
	for _, p := range found {
		problems = append(problems, p.String())
	}
	return names, problems
}

// TestCommentsOfPublishedQueries: what is no key of the head is a comment, unless a key was
// likely meant.
func TestCommentsOfPublishedQueries(t *testing.T) {
	t.Parallel()
	for _, comment := range []string{
		"// https://github.com/x/y", "//http://x", "// Author: me", "// Note: that", "// Description: x", "// MITRE: T1059", "// Date: 2026", "// References:",
		"// More: here", "// Model: x", "// Code: 4", "// Tactic: x", "// id: 0815", "// Type: x", "// Title: y", "// Severity: High", "// Entity: Host", "// TODO: x", "// Version: 1.0",
	} {
		if names, problems := namesOf(folder(t, map[string]string{"a.kql": comment + "\n// name: A\n" + windowed})); names != "A " || len(problems) > 0 {
			t.Errorf("%s: %v", comment, problems)
		}
	}
	for word, key := range map[string]string{
		"nmae": "name", "names": "name", "Nam": "name", "tme": "time", "Times": "time", "tiem": "time", "keys": "key", "kye": "key", "modes": "mode", "mod": "mode",
		"identities": "identity", "idenity": "identity", "Identify": "identity", "joins": "join",
	} {
		_, problems := namesOf(folder(t, map[string]string{"a.kql": "// name: A\n// " + word + ": x\n" + windowed}))
		if len(problems) != 1 || !strings.Contains(problems[0], `line 2: \"`+word+`\" is no key of the head: did you mean `+key+"?") && !strings.Contains(problems[0], `line 2: "`+word+`" is no key of the head: did you mean `+key+"?") {
			t.Errorf("%s: %v", word, problems)
		}
	}
}

func wide(text string, order binary.AppendByteOrder, mark bool) string {
	var b []byte
	if mark {
		b = order.AppendUint16(b, 0xfeff)
	}
	for _, u := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

// TestFormsOfPublishedQueries: a file in another form than that of a query is refused in
// words that lead to it, and nothing else is said of one that is right but for its form.
func TestFormsOfPublishedQueries(t *testing.T) {
	t.Parallel()
	const good = "// name: A\n" + windowed
	for what, c := range map[string]struct{ text, says string }{
		"UTF-16, little":      {wide(good, binary.LittleEndian, true), "line 1: is no UTF-8: the file seems to be UTF-16"},
		"UTF-16, big":         {wide(good, binary.BigEndian, true), "line 1: is no UTF-8: the file seems to be UTF-16"},
		"UTF-16, unmarked":    {wide(good, binary.LittleEndian, false), "line 1: is no UTF-8: the file seems to be UTF-16"},
		"Latin-1":             {good + "| where A == 'caf\xe9'\n", "line 4: byte 0xE9 is no UTF-8: the file seems to be Windows-1252 or Latin-1, where it is é: save it as UTF-8"},
		"Latin-1 in the head": {"// caf\xe9\n" + good, "line 1: byte 0xE9"},
		"Windows-1252":        {good + "// it\x92s\n", "line 4: byte 0x92 is no UTF-8: the file seems to be Windows-1252"},
		"a NUL":               {good + "// \x00\n", "line 4: holds a NUL byte"},
		"CR alone":            {strings.ReplaceAll(good, "\n", "\r"), "line 1: ends with CR alone"},
		"one CR":              {strings.Replace(good, "DeviceEvents\n", "DeviceEvents\r", 1), "line 2: ends with CR alone"},
		"a fence":             {"```kql\n" + good + "```\n", "line 1: is a Markdown fence"},
		"a fence after":       {"// name: A\n\n```\n" + windowed + "```\n", "line 3: is a Markdown fence"},
		"a fence of tildes":   {"~~~ kusto\n" + good + "~~~\n", "line 1: is a Markdown fence"},
		"a fence in Markdown": {"# Title\nSome words.\n\n```kusto\n" + good + "```\nMore words.\n", "line 4: is a Markdown fence"},
		"a fence on the line": {"// name: A\n```DeviceEvents | where Timestamp >= _startTime and Timestamp < _endTime```", "line 2: is a Markdown fence"},
	} {
		names, problems := namesOf(folder(t, map[string]string{"a.kql": c.text}))
		if names != "" || len(problems) != 1 || !strings.Contains(problems[0], c.says) {
			t.Errorf("%s: %q, want %q", what, problems, c.says)
		}
	}
	for what, text := range map[string]string{
		"CRLF":              strings.ReplaceAll(good, "\n", "\r\n"),
		"a byte order mark": "\ufeff" + good,
		"a text of lines":   good + "| where A == ```\n x\n``` or B == ~~~y~~~\n",
		"accents":           good + "// café",
	} {
		if names, problems := namesOf(folder(t, map[string]string{"a.kql": text})); names != "A " || len(problems) > 0 {
			t.Errorf("%s: %v", what, problems)
		}
	}
	_, problems := namesOf(folder(t, map[string]string{"a.kql": "```kql\n" + good + "```\nand\n```kql\n" + good + "```\n"}))
	if len(problems) != 2 || !strings.Contains(problems[1], "line 7: a second query begins here") {
		t.Errorf("two fences: %q", problems)
	}
}

// TestFoldersOfQueries: queries below a folder are read, other endings named, and the files
// that Kubernetes mounts are read once.
func TestFoldersOfQueries(t *testing.T) {
	t.Parallel()
	named := func(name string) string { return "// name: " + name + "\n" + windowed }
	dir := folder(t, map[string]string{
		"b.kql": named("B"), "below/a.KQL": named("A"), "below/more/c.kql": named("C"), "LICENSE": "x", "notes.txt": "of no query",
		".git/d.kql": named("D"), "..2026_11_30/e.kql": named("E"), "off.kql.off": named("F"), ".hidden.kql": named("G"),
	})
	for from, to := range map[string]string{"..2026_11_30": "..data", filepath.Join("..data", "e.kql"): "e.kql"} {
		if err := os.Symlink(from, filepath.Join(dir, to)); err != nil {
			t.Fatal(err)
		}
	}
	if names, problems := namesOf(dir); names != "B A C E " || len(problems) > 0 {
		t.Errorf("queries %s, %v", names, problems)
	}
	warned := strings.Join(Warnings(dir), "\n")
	if !strings.Contains(warned, "off.kql.off is not read") || !strings.Contains(warned, ".hidden.kql is not read") || strings.Count(warned, "\n") != 1 {
		t.Errorf("warnings %s", warned)
	}
	for ending, read := range map[string]bool{"txt": false, "kusto": false, "csl": false, "CSL": false, "kql.txt": false, "KQL": true} {
		names, problems := namesOf(folder(t, map[string]string{"a.kql": named("A"), "b." + ending: named("B")}))
		switch {
		case read && (names != "A B " || len(problems) > 0):
			t.Errorf("%s: %s %v", ending, names, problems)
		case !read && (len(problems) != 1 || !strings.Contains(problems[0], "b."+ending+"; rename")):
			t.Errorf("%s: %s %v", ending, names, problems)
		}
	}
	// Of what holds queries among other things it is said that they are not read.
	mixed := Warnings(folder(t, map[string]string{
		"a.kql": named("A"), "rule.yaml": "query: |\n  " + windowed, "Hunt.md": "```\n" + windowed, "values.yml": "a: b", "README.md": windowed, "c.md": "x",
	}))
	if got := strings.Join(mixed, "\n"); len(mixed) != 2 || !strings.Contains(got, "rule.yaml is not read") || !strings.Contains(got, "Hunt.md is not read") {
		t.Errorf("warnings of other files: %q", mixed)
	}
	for text, says := range map[string]string{named("A"): "its name A is that of ", named("a"): "its name a differs from the name A of "} {
		if _, problems := namesOf(folder(t, map[string]string{"a.kql": named("A"), "sub/b.kql": text})); len(problems) != 1 || !strings.Contains(problems[0], says) {
			t.Errorf("%q: %v", text, problems)
		}
	}
	if err := os.Symlink(dir, filepath.Join(dir, "below", "back")); err != nil {
		t.Fatal(err)
	}
	if _, problems := namesOf(dir); len(problems) != 1 || !strings.Contains(problems[0], "a link that leads back") {
		t.Errorf("a link that leads back: %v", problems)
	}
}
