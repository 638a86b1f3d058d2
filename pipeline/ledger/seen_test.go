package ledger_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"hunting-exporter/pipeline/ledger"
)

// naive is Seen as plainly as can be.
type naive map[[16]byte][]uint64 // the tags that are left of each ID

func (m naive) take(keys []ledger.Key) (isNew []bool, n int) {
	isNew = make([]bool, len(keys))
	for i, k := range keys {
		at := slices.Index(m[k.ID], k.Tag)
		if isNew[i] = at < 0; at >= 0 {
			m[k.ID] = slices.Delete(m[k.ID], at, at+1)
		}
	}
	for i, k := range keys {
		if isNew[i] && len(m[k.ID]) > 0 {
			m[k.ID] = slices.Delete(m[k.ID], 0, 1) // the lowest tag
			isNew[i] = false
		}
		if isNew[i] {
			n++
		}
	}
	return isNew, n
}

func TestNewIsTheAnswerMinusWhatWasSeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := rapid.OneOf(someKey, anyKey)
		keys := rapid.SliceOfN(draw, 0, 60).Draw(t, "seen")
		left := naive{}
		for _, k := range slices.SortedFunc(slices.Values(keys), compareKeys) {
			left[k.ID] = append(left[k.ID], k.Tag)
		}
		for _, tags := range left {
			slices.Sort(tags)
		}
		seen := ledger.NewSeen(slices.Clone(keys))
		for range rapid.IntRange(1, 4).Draw(t, "pages") {
			page := rapid.SliceOfN(draw, 0, 30).Draw(t, "page")
			if len(keys) > 0 {
				page = append(page, rapid.SliceOfN(rapid.SampledFrom(keys), 0, 30).Draw(t, "known")...)
			}
			want, wantNew := left.take(page)
			got, n := seen.Take(page)
			if n != wantNew || !slices.Equal(got, want) {
				t.Fatalf("page %v: %d new, %v, want %d, %v", page, n, got, wantNew, want)
			}
		}
	})
}

// Whichever way an answer comes in pages, as many rows of an ID are new as it has more.
func TestHowManyAreNewDoesNotDependOnPages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(someKey, 0, 60).Draw(t, "seen")
		answer := rapid.SliceOfN(someKey, 0, 60).Draw(t, "answer")
		more := map[[16]byte]int{}
		for _, k := range answer {
			more[k.ID]++
		}
		for _, k := range keys {
			more[k.ID]--
		}
		seen := ledger.NewSeen(keys)
		got := map[[16]byte]int{}
		for rest := answer; len(rest) > 0; {
			page := rest[:rapid.IntRange(1, len(rest)).Draw(t, "page")]
			isNew, _ := seen.Take(page)
			for i, k := range page {
				if isNew[i] {
					got[k.ID]++
				}
			}
			rest = rest[len(page):]
		}
		for id, n := range more {
			if got[id] != max(n, 0) {
				t.Fatalf("%d rows of %x are new, want %d", got[id], id, n)
			}
		}
	})
}

func TestRowsThatShareAnIdentity(t *testing.T) {
	id := ledgerHash(1)
	seen := ledger.NewSeen([]ledger.Key{{ID: id, Tag: 1}, {ID: id, Tag: 2}})
	// The first changed since it was exported, the second is as it was, the third is new.
	isNew, n := seen.Take([]ledger.Key{{ID: id, Tag: 9}, {ID: id, Tag: 2}, {ID: id, Tag: 3}})
	if n != 1 || !slices.Equal(isNew, []bool{false, false, true}) {
		t.Errorf("%d new: %v", n, isNew)
	}
	if _, n := seen.Take([]ledger.Key{{ID: id, Tag: 1}}); n != 1 {
		t.Error("an exported row stood for two of an answer")
	}
}

func TestSeenOfMany(t *testing.T) {
	keys := benchKeys(50_000)
	seen := ledger.NewSeen(slices.Clone(keys[:49_000]))
	for page := range slices.Chunk(keys, 20_000) {
		isNew, _ := seen.Take(page)
		for i, k := range page {
			if want := slices.Contains(keys[49_000:], k); isNew[i] != want {
				t.Fatalf("key %v new: %v, want %v", k, isNew[i], want)
			}
		}
	}
}

func TestSeenOfNothing(t *testing.T) {
	if _, n := ledger.NewSeen(nil).Take(benchKeys(3)); n != 3 {
		t.Errorf("%d of 3 new", n)
	}
}
