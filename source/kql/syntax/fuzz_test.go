package syntax_test

import (
	"strings"
	"testing"

	"hunting-exporter/source/kql/syntax"
)

// Whatever the text is, parsing ends, with a tree or with an error that names a line of it.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"T | where a has 'x' and b in (1, 2) | summarize (x, y) = arg_max(t, *) by bin(t, 1h)",
		"let f = (a:long = 1, T:(*)) { T | where b == a }; union f(1), (U*), database('x').V",
		"T | mv-apply a = b to typeof(long) on (top 1 by a) | parse c with * 'd' e:long | partition by x { U }",
		"T | make-series count() default=0 on t from a to b step 1d by c | facet by d with facet by e with (take 1)",
		"print dynamic({\"a\": [1, -2]}), 1.5e-3, 0x1F, datetime(2026-01-01), ['a b'].c[0], 'x' \"y\" @'z' h'w'",
		"T | scan with (step s: a > 1 => b = 2;) | top-nested 3 of a by count() | search in (T) * | find a project b",
		"'\\x", "((((", "a\r\nb\u2028c", "\xff", "datetime(", "1..2", "a-b = 1", "```",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := syntax.Parse(text)
		if err == nil {
			_ = dump(q)
			return
		}
		said, is := err.(*syntax.Error) //nolint:errorlint // nothing wraps it
		if lines := 1 + strings.Count(text, "\n") + strings.Count(text, "\r") + strings.Count(text, "\u2028") + strings.Count(text, "\u2029"); !is || said.Line < 1 || said.Line > lines {
			t.Errorf("%v of a text of %d lines", err, lines)
		}
	})
}

// parts are what to repeat to make a parser slow.
var parts = []string{
	"(", "[", "{", "a", "1", "a.", "a,", "a or ", "a+", "- ", "| where a ", "'a' ", "\\", "/", "//\n", "let a = 1;", "in (", "(a,", "a*", "1.", "1-",
	"datetime(1) ", "dynamic([", "facet by a with ", "| facet by a with ", "a in (b) ", "f(", "union ", "x=", "!", "é", "\r", "top-", "hint.", "matches ",
	"['a']", "a[0]", "by a (", "'\\\\", "deadbeef-", "union (a,", "`", "~", "0x", "1e", "set a;",
}

// Were any of them read in quadratic time, this would not end.
func TestLargeTexts(t *testing.T) {
	t.Parallel()
	const size = 1 << 18
	for _, part := range parts {
		text := "T | where " + strings.Repeat(part, size/len(part))
		if q, err := syntax.Parse(text); (q == nil) == (err == nil) {
			t.Errorf("%q: neither a tree nor an error", part)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	const size = 1 << 20
	for _, part := range parts {
		text := "T | where " + strings.Repeat(part, size/len(part))
		b.Run(part, func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				_, _ = syntax.Parse(text)
			}
		})
	}
}

func TestDepthIsBounded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"print " + strings.Repeat("(", 101) + "1" + strings.Repeat(")", 101), "line 1: brackets are nested more than 100 deep"},
		{"T\n" + "| " + strings.Repeat("facet by a with ", 5000) + "take 1", "line 2: nested more than 1000 deep"},
	} {
		if _, err := syntax.Parse(c.text); err == nil || err.Error() != c.want {
			t.Errorf("%.60s: %v", c.text, err)
		}
	}
	for _, text := range []string{
		"print " + strings.Repeat("(", 100) + "1" + strings.Repeat(")", 100),
		"T " + strings.Repeat("| where a ", 50_000),
		"print " + strings.Repeat("a + ", 50_000) + "a",
		"print " + strings.Repeat("f(g[0], -", 49) + "1" + strings.Repeat(")", 49),
		"T" + strings.Repeat(" | join (T", 99) + strings.Repeat(") on a", 99),
	} {
		if _, err := syntax.Parse(text); err != nil {
			t.Errorf("%.60s: %v", text, err)
		}
	}
}
