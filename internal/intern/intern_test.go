package intern_test

import (
	"testing"

	"pgregory.net/rapid"

	"hunting-exporter/internal/intern"
)

func TestATextHasOneNumber(t *testing.T) {
	table := intern.New()
	rapid.Check(t, func(t *rapid.T) {
		table.Reset()
		numbers, texts := map[string]int32{}, []string{}
		for range rapid.IntRange(0, 2000).Draw(t, "texts") {
			text := rapid.StringN(0, 3, 40).Draw(t, "text")
			n, hash := table.Find([]byte(text))
			want, known := numbers[text]
			if !known {
				want = -1
			}
			if n != want {
				t.Fatalf("%q is %d, want %d", text, n, want)
			}
			if !known {
				numbers[text] = table.Add([]byte(text), hash)
				texts = append(texts, text)
			}
		}
		ends, all := table.Text()
		for i, text := range texts {
			if numbers[text] != int32(i) || string(all[ends[i]:ends[i+1]]) != text {
				t.Fatalf("text %d is %q, want %q", i, all[ends[i]:ends[i+1]], text)
			}
		}
		if table.Len() != len(texts) {
			t.Fatalf("%d texts, want %d", table.Len(), len(texts))
		}
	})
}
