package ledger_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hunting-exporter/pipeline/ledger"
)

func TestABookHandsOutEveryKeyOnce(t *testing.T) {
	all := benchKeys(3 * ledger.RunKeys)
	rapid.Check(t, func(t *rapid.T) {
		var book ledger.Book
		var taken []ledger.Key
		want := map[int64]int64{}
		keys := all[:rapid.IntRange(0, len(all)).Draw(t, "keys")]
		for _, k := range keys {
			want[k.Bin]++
		}
		for rest := keys; len(rest) > 0; {
			page := rest[:min(len(rest), rapid.IntRange(1, 200_000).Draw(t, "page"))]
			rest = rest[len(page):]
			for len(page) > 0 {
				n := book.Add(page)
				page = page[n:]
				if book.Len() > ledger.RunKeys || len(page) > 0 && !book.Full() {
					t.Fatalf("%d keys in the book, %d left over", book.Len(), len(page))
				}
				if book.Full() {
					taken = append(taken, book.Take()...)
				}
			}
		}
		taken = append(taken, book.Take()...)
		if book.Len() != 0 || len(book.Take()) != 0 {
			t.Fatal("keys after the last")
		}
		if !slices.Equal(taken, keys) {
			t.Fatalf("%d keys taken of %d", len(taken), len(keys))
		}
		got := map[int64]int64{}
		last := int64(-1)
		for _, c := range book.Bins() {
			n := ledger.Number(c.Start)
			if n <= last {
				t.Fatalf("bin %d after bin %d", n, last)
			}
			got[n], last = c.Rows, n
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestABookStaysSmall(t *testing.T) {
	keys := benchKeys(100_000)
	var book ledger.Book
	page := func() {
		for rest := keys; len(rest) > 0; {
			rest = rest[book.Add(rest):]
			if book.Full() {
				book.Take()
			}
		}
	}
	page()
	page()
	if n := testing.AllocsPerRun(20, page); n > 0 {
		t.Errorf("%v allocations a page once the book has its size", n)
	}
}
