package query

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// readable is the text of a query's file, and what is wrong with its form. The text is then
// what it seems to be, so that the rest of it can be judged as well; lines keep their numbers.
func readable(data []byte) (text string, refused []Remark) {
	text, refused = decoded(data)
	text = strings.TrimPrefix(text, "\ufeff")
	if i := loneCR(text); i >= 0 {
		refused = append(refused, Remark{lineAt(text, i), "ends with CR alone, as old Macs ended lines, so that a comment might go on to the end of the file: save it with line ends of today (LF or CRLF)"})
		text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	}
	text, fences := unfenced(text)
	return text, append(refused, fences...)
}

// decoded is the text of bytes that should be UTF-8.
func decoded(data []byte) (string, []Remark) {
	const save = "save it as UTF-8"
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		order = binary.LittleEndian
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	case len(data) > 1 && data[1] == 0:
		order = binary.LittleEndian
	case len(data) > 1 && data[0] == 0:
		order = binary.BigEndian
	}
	if order != nil {
		units := make([]uint16, len(data)/2)
		for i := range units {
			units[i] = order.Uint16(data[2*i:])
		}
		return string(utf16.Decode(units)), []Remark{{1, "is no UTF-8: the file seems to be UTF-16, which Windows calls Unicode and > of PowerShell writes: " + save}}
	}
	text := string(data)
	for i, r := range text {
		if r == 0 {
			return strings.ReplaceAll(text, "\x00", " "), []Remark{{lineAt(text, i), "holds a NUL byte: the file seems to be no text"}}
		}
		if _, size := utf8.DecodeRuneInString(text[i:]); r == utf8.RuneError && size == 1 {
			seems := fmt.Sprintf("Windows-1252 or Latin-1, where it is %c", data[i])
			if data[i] < 0xa0 {
				seems = "Windows-1252, or cut off within a letter"
			}
			return strings.ToValidUTF8(text, "\ufffd"), []Remark{{lineAt(text, i), fmt.Sprintf("byte 0x%02X is no UTF-8: the file seems to be %s: %s", data[i], seems, save)}}
		}
	}
	return text, nil
}

// loneCR is where the first CR is that no LF follows, or -1.
func loneCR(text string) int {
	for i := range len(text) {
		if text[i] == '\r' && !strings.HasPrefix(text[i+1:], "\n") {
			return i
		}
	}
	return -1
}

// lineAt is the line of an offset, from 1.
func lineAt(text string, offset int) int { return 1 + strings.Count(text[:offset], "\n") }

var (
	fence    = regexp.MustCompile("^\\s*(```+|~~~+)\\s*([A-Za-z]*)\\s*$")
	fenceKQL = regexp.MustCompile("(?i)^\\s*(```+|~~~+)\\s*(kql|kusto|csl)\\s*$")
)

// unfenced takes a query out of Markdown. To KQL three backticks begin a text of several
// lines: all between the fences would be one string.
func unfenced(text string) (string, []Remark) {
	lines := strings.Split(text, "\n")
	first := slices.IndexFunc(lines, func(line string) bool { return !comment(line) })
	if first < 0 {
		return text, nil
	}
	const said = "is a Markdown fence, which to KQL begins a text of several lines, so that the query would be one string: keep only what lies between the fences"
	if !fence.MatchString(lines[first]) {
		if line := strings.TrimSpace(lines[first]); strings.HasPrefix(line, "```") || strings.HasPrefix(line, "~~~") {
			return strings.NewReplacer("```", "", "~~~", "").Replace(text), []Remark{{first + 1, said}}
		}
		if first = slices.IndexFunc(lines, fenceKQL.MatchString); first < 0 {
			return text, nil
		}
	}
	found := []Remark{{first + 1, said}}
	inside, blocks := false, 0
	for i, line := range lines {
		isFence := fence.MatchString(line)
		if isFence {
			if inside = !inside; inside {
				blocks++
			}
			if inside && blocks == 2 {
				found = append(found, Remark{i + 1, "a second query begins here: put each into a file of its own"})
			}
		}
		if isFence || blocks > 1 || !inside && !comment(line) {
			lines[i] = ""
		}
	}
	return strings.Join(lines, "\n"), found
}

// comment reports whether a line holds nothing that belongs to the query itself.
func comment(line string) bool {
	line = strings.TrimSpace(line)
	return line == "" || strings.HasPrefix(line, "//")
}
