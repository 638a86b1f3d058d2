package event_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"hunting-exporter/schema"
	"hunting-exporter/sink/event"
)

func TestAppendTime(t *testing.T) {
	for y := 1; y < 10000; y += 7 {
		for _, d := range []time.Time{
			time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(y, 2, 28, 23, 59, 59, 999_999_900, time.UTC),
			time.Date(y, 3, 1, 1, 2, 3, 4500, time.UTC), time.Date(y, 12, 31, 12, 0, 0, 120_000_000, time.UTC),
		} {
			ticks := schema.ToTicks(d)
			if got, want := string(event.AppendTime(nil, ticks, false)), d.Format("2006-01-02T15:04:05.0000000Z"); got != want {
				t.Fatalf("full: %s, want %s", got, want)
			}
			if got, want := string(event.AppendTime(nil, ticks, true)), d.Format("2006-01-02T15:04:05.9999999Z"); got != want {
				t.Fatalf("cut: %s, want %s", got, want)
			}
		}
	}
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "plain", "<&>'\"\\/", "\x00\x1f\x7f\u2028\u2029é😀", "\xff\xc3(\xed\xa0\x80", "\ufffd"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := event.AppendString([]byte("x"), s)[1:]
		if !utf8.Valid(got) {
			t.Fatalf("%q gives %x, which is not UTF-8", s, got)
		}
		var back string
		if err := json.Unmarshal(got, &back); err != nil {
			t.Fatalf("%q: %s is no JSON: %v", s, got, err)
		}
		want, err := json.Marshal(s) // replaces what is not UTF-8 in the same way
		if err != nil {
			t.Fatal(err)
		}
		var wantBack string
		if err := json.Unmarshal(want, &wantBack); err != nil {
			t.Fatal(err)
		}
		if back != wantBack {
			t.Fatalf("%q reads back as %q, want %q", s, back, wantBack)
		}
		special := strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r == utf8.RuneError }) >= 0
		if !special && string(got) != `"`+s+`"` {
			t.Fatalf("%q is escaped without need: %s", s, got)
		}
	})
}
