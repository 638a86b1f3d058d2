package e2e_test

import (
	"bufio"
	"crypto/md5" //nolint:gosec // DuckDB's own checksum, to compare long cells by
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"hunting-exporter/schema"
	"hunting-exporter/tenant"
	"hunting-exporter/test/duck"
)

// oddText is the text of a row: what is easily lost or cut.
func oddText(i int) string {
	odd := []string{
		"", " ", "\x00", "a\x00b", "\"quoted\\\"", "\t\n\r\b\f\x01\x1f\x7f", "😀🧵", "\U0010FFFF", "é\u2028\u2029", "</script>", "null", "{}", "NaN", "\ufeff",
	}
	return fmt.Sprintf("%s%d", odd[i%len(odd)], i/len(odd)%5000)
}

// TestOddCells: text of every kind in every spelling, cells of 10 MB, times of no to seven
// digits and the ends of integers arrive as they are. ODD_ROWS=1000000 gives the figure in
// docs/evidence.md.
func TestOddCells(t *testing.T) {
	const table, long = "OddEvents", 10 << 20
	rows := rounds(t, "ODD_ROWS", 20_000)
	from := newSiteBehind(t, tenant.Options{MaxBytes: 124_000_000}, respelled)
	columns := []schema.Column{
		{Name: "Timestamp", Type: "DateTime"}, {Name: "Id", Type: "Int64"}, {Name: "Text", Type: "String"}, {Name: "Document", Type: "Object"},
	}
	begin := time.Now().Add(-8 * time.Hour).UTC().Truncate(time.Hour)
	digits := []int64{10_000_000, 1_000_000, 100_000, 10_000, 1000, 100, 10, 1} // ticks of the last digit
	want := make(map[string]int, rows)
	var batch []tenant.Row
	for i := range rows {
		at := begin.Add(time.Duration(i) * time.Second * 20_000 / time.Duration(rows))
		at = schema.FromTicks(schema.ToTicks(at)/digits[i%8]*digits[i%8] + digits[i%8])
		text := oddText(i)
		if i%(rows/12) == 7 {
			text = strings.Repeat(fmt.Sprintf("%07d😀\x00", i), long/12)
		}
		document := fmt.Sprintf(`{"a":[%d,"\"x\\",null,{"é":true}],"n":-0.50e1}`, i%3000)
		id := int64(i)
		switch i {
		case 1:
			id = -1 << 63
		case 2:
			id = 1<<63 - 1
		}
		batch = append(batch, tenant.Row{Ingested: at.Add(time.Minute), Cells: []any{at, id, text, document}})
		want[fmt.Sprintf("%d %d %x %x", schema.ToTicks(at)/10, id, md5.Sum([]byte(text)), md5.Sum([]byte(document)))]++ //nolint:gosec // as above
		if len(batch) == 50_000 || i == rows-1 {
			if err := from.Add(table, columns, batch...); err != nil {
				t.Fatal(err)
			}
			batch = nil
		}
	}
	dir := t.TempDir()
	p := command(t, from.env(t, "LAKE_URL="+dir, "EXPORT_TABLES="+table), 0, "run")
	wantRows(t, p, int64(rows), 0)
	got := duck.Open(t).Query(t, "SELECT epoch_us(Timestamp), Id, md5(Text), md5(Document) FROM "+duck.Parquet(false, filepath.Join(dir, table, "dt=*", "*.parquet")))
	for _, row := range got.Rows {
		want[strings.Join(row, " ")]--
	}
	wrong := 0
	for row, n := range want {
		if n != 0 {
			if wrong++; wrong <= 3 {
				t.Errorf("%+d times: %s", -n, row)
			}
		}
	}
	t.Logf("%d rows, 12 of them with a cell of %d MB: %d differ", rows, long>>20, wrong)
}

// respelled serves the same answers with the strings of their rows, keys too, spelled in
// all the ways that JSON has: of each eight characters one is escaped.
func respelled(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Accept-Encoding")
		s := &speller{ResponseWriter: w, out: bufio.NewWriter(w)}
		h.ServeHTTP(s, r)
		_ = s.out.Flush()
	})
}

type speller struct {
	http.ResponseWriter
	out     *bufio.Writer
	partial []byte // of a character
	quoted  bool
	escape  int // bytes of an escape that follow
	depth   int
	member  []byte // of the document, which is open
	n       int
}

func (s *speller) WriteHeader(code int) {
	s.Header().Del("Content-Length")
	s.ResponseWriter.WriteHeader(code)
}

func (s *speller) Write(b []byte) (int, error) {
	text := append(s.partial, b...)
	s.partial = nil
	for len(text) > 0 {
		if !utf8.FullRune(text) {
			s.partial = append(s.partial, text...)
			break
		}
		r, n := utf8.DecodeRune(text)
		s.char(r, text[:n])
		text = text[n:]
	}
	return len(b), nil
}

// char writes a character of the document.
func (s *speller) char(r rune, as []byte) {
	switch {
	case s.escape > 0:
		if s.escape--; s.escape == 0 && r == 'u' {
			s.escape = 4
		}
	case s.quoted && r == '\\':
		s.escape = 1
	case r == '"':
		if s.quoted = !s.quoted; s.quoted && s.depth == 1 {
			s.member = nil
		}
	case s.quoted && s.depth == 1:
		s.member = append(s.member, as...)
	case s.quoted:
		if s.n++; s.n%8 == 0 && strings.EqualFold(string(s.member), "results") {
			as = spelling(r, s.n/8)
		}
	case r == '{', r == '[':
		s.depth++
	case r == '}', r == ']':
		s.depth--
	}
	_, _ = s.out.Write(as)
}

func spelling(r rune, how int) []byte {
	switch {
	case r == '/':
		return []byte(`\/`)
	case r > 0xffff:
		r -= 0x10000
		return fmt.Appendf(nil, []string{`\u%04x\u%04x`, `\u%04X\u%04X`}[how%2], 0xd800+r>>10, 0xdc00+r&0x3ff)
	}
	return fmt.Appendf(nil, []string{`\u%04x`, `\u%04X`}[how%2], r)
}
