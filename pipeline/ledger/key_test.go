package ledger_test

import (
	"encoding/hex"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hunting-exporter/pipeline/ledger"
	"hunting-exporter/schema"
)

// contents makes up the content hashes of n rows.
func contents(n int) [][16]byte {
	out := make([][16]byte, n)
	for i := range out {
		out[i] = ledgerHash(uint64(i))
	}
	return out
}

// keysOf makes the keys of rows; by nothing but the clock and the identity.
func keysOf(t failer, identity []string, cols []schema.Column, rows [][]any) []ledger.Key {
	t.Helper()
	rec := record(t, cols, rows)
	defer rec.Release()
	return ledger.NewKeyer("Clock", identity).Keys(rec, contents(len(rows)), at(0, 0), nil)
}

var identities = []string{"Time", "Text", "More", "Small", "Large", "Real", "Flag"}

func TestIDsAreEqualExactlyWhenClockAndIdentityAre(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		identity := identities[:rapid.IntRange(1, len(identities)).Draw(t, "columns")]
		rows := drawRows(t, oneOfEach, 12)
		for i, a := range keysOf(t, identity, oneOfEach, rows) {
			for j, b := range keysOf(t, identity, oneOfEach, rows) {
				equal := cmp.Equal(rows[i][:1+len(identity)], rows[j][:1+len(identity)])
				if equal != (a.ID == b.ID) {
					t.Fatalf("rows %v and %v have IDs %x and %x by %v", rows[i], rows[j], a.ID, b.ID, identity)
				}
			}
		}
	})
}

func TestKeysDoNotDependOnTheOrderOfColumns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := drawRows(t, oneOfEach, 5)
		order := rapid.Permutation([]int{0, 1, 2, 3, 4, 5, 6, 7}).Draw(t, "order")
		var cols []schema.Column
		turned := make([][]any, len(rows))
		for _, c := range order {
			cols = append(cols, oneOfEach[c])
			for i := range rows {
				turned[i] = append(turned[i], rows[i][c])
			}
		}
		names := rapid.Permutation(identities).Draw(t, "identity")
		names = append(names, names[0]) // naming one twice says nothing
		want := keysOf(t, identities, oneOfEach, rows)
		if diff := cmp.Diff(want, keysOf(t, names, cols, turned)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestCellsDoNotRunTogether(t *testing.T) {
	cols := []schema.Column{{Name: "Clock", Type: "DateTime"}, {Name: "A", Type: "String"}, {Name: "B", Type: "String"}}
	when := at(1, 0)
	keys := keysOf(t, []string{"A", "B"}, cols, [][]any{
		{when, "ab", "c"},
		{when, "a", "bc"},
		{when, "", "abc"},
		{when, nil, "abc"},
		{when, "abc", nil},
		{when, "abc", ""},
		{when, nil, nil},
		{when, "", ""},
		{when.Add(100), "ab", "c"},
		{nil, "ab", "c"},
	})
	for i := range keys {
		for j := range i {
			if keys[i].ID == keys[j].ID {
				t.Errorf("rows %d and %d have one ID", j, i)
			}
		}
	}
}

func TestTheClockSaysTheBin(t *testing.T) {
	cols := []schema.Column{{Name: "Clock", Type: "DateTime"}, {Name: "Text", Type: "String"}}
	fallback := at(7, 20)
	for _, clock := range []string{"Clock", "Text", "Nowhere"} {
		rec := record(t, cols, [][]any{
			{at(3, 14).Add(59 * time.Second), "a"},
			{time.Unix(-1, 0), "a"},
			{nil, "a"},
		})
		keys := ledger.NewKeyer(clock, nil).Keys(rec, contents(3), fallback, nil)
		rec.Release()
		want := []int64{ledger.Number(at(3, 0)), -1, ledger.Number(fallback)}
		if clock != "Clock" { // no clock there: every row goes where it was asked for
			want[0], want[1] = want[2], want[2]
		}
		for i, k := range keys {
			if k.Bin != want[i] {
				t.Errorf("clock %s, row %d: bin %d, want %d", clock, i, k.Bin, want[i])
			}
		}
	}
}

func TestTheIDOfARowWithoutClockIsTheSameInEveryWindow(t *testing.T) {
	rec := record(t, oneOfEach[:1], [][]any{{nil}})
	defer rec.Release()
	k := ledger.NewKeyer("Clock", nil)
	a, b := k.Keys(rec, contents(1), at(1, 0), nil)[0], k.Keys(rec, contents(1), at(2, 0), nil)[0]
	if a.ID != b.ID || a.Bin == b.Bin {
		t.Errorf("keys %v and %v", a, b)
	}
}

func TestContentStandsForAMissingIdentity(t *testing.T) {
	cols := oneOfEach[:3] // Clock, Time, Text
	row := []any{at(1, 0), at(1, 0), "a"}
	rec := record(t, cols, [][]any{row, row, row})
	defer rec.Release()
	content := [][16]byte{ledgerHash(1), ledgerHash(2), ledgerHash(1)}
	key := func(identity ...string) []ledger.Key {
		return ledger.NewKeyer("Clock", identity).Keys(rec, content, at(0, 0), nil)
	}
	none := key()
	if none[0].ID == none[1].ID || none[0] != none[2] {
		t.Errorf("without identity: %v", none)
	}
	if diff := cmp.Diff(none, key("Text", "Gone")); diff != "" {
		t.Errorf("with one of two columns, unlike without any: %s", diff)
	}
	full := key("Text")
	if full[0].ID != full[1].ID || full[0].Tag == full[1].Tag || full[0] != full[2] {
		t.Errorf("with the identity: %v", full)
	}
}

func TestAColumnGoesByItsNameInTheAPI(t *testing.T) {
	cols := []schema.Column{
		{Name: "Clock", Type: "DateTime"}, {Name: "LogonId", Type: "Int64"}, {Name: "LogonID", Type: "Int64"},
	}
	keys := keysOf(t, []string{"LogonID"}, cols, [][]any{
		{at(1, 0), int64(1), int64(5)},
		{at(1, 0), int64(2), int64(5)},
		{at(1, 0), int64(1), int64(6)},
	})
	if keys[0].ID != keys[1].ID || keys[0].ID == keys[2].ID {
		t.Errorf("keys %v", keys)
	}
}

func TestAnIntegerThatGrowsKeepsItsIDs(t *testing.T) {
	small := []schema.Column{{Name: "Clock", Type: "DateTime"}, {Name: "N", Type: "Int32"}}
	large := []schema.Column{{Name: "Clock", Type: "DateTime"}, {Name: "N", Type: "Int64"}}
	a := keysOf(t, []string{"N"}, small, [][]any{{at(1, 0), int32(-7)}, {at(1, 0), int32(math.MaxInt32)}})
	b := keysOf(t, []string{"N"}, large, [][]any{{at(1, 0), int64(-7)}, {at(1, 0), int64(math.MaxInt32)}})
	if diff := cmp.Diff(a, b); diff != "" {
		t.Error(diff)
	}
}

// A slice of a record begins somewhere in its buffers.
func TestKeysOfASlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := drawRows(t, oneOfEach, 20)
		rec := record(t, oneOfEach, rows)
		defer rec.Release()
		from := rapid.IntRange(0, len(rows)).Draw(t, "from")
		part := rec.NewSlice(int64(from), int64(len(rows)))
		defer part.Release()
		k := ledger.NewKeyer("Clock", identities)
		content := contents(len(rows))
		want := k.Keys(rec, content, at(0, 0), nil)[from:]
		before := []ledger.Key{{Bin: 42}}
		got := k.Keys(part, content[from:], at(0, 0), before)
		if diff := cmp.Diff(append(before, want...), got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// Runs that are stored hold IDs: should these change, every row of them would look new.
func TestAnIDOutlivesTheVersionThatWroteIt(t *testing.T) {
	row := []any{at(1, 0).Add(100), at(2, 0), "a", "b", int32(-1), int64(1 << 40), 0.5, true}
	for name, c := range map[string]struct {
		identity []string
		row      []any
		want     string
	}{
		"identity": {identities, row, "5acd54b1d20b2e47873249a88d9692cf"},
		"nulls":    {identities, make([]any, len(row)), "1c7a1d5059bc77218ad2c0e635141f8a"},
		"content":  {nil, row, "cee723c45d8ad730cf5a0e4c983b145a"},
	} {
		got := keysOf(t, c.identity, oneOfEach, [][]any{c.row})[0]
		if id := hex.EncodeToString(got.ID[:]); id != c.want {
			t.Errorf("%s: ID %s, want %s", name, id, c.want)
		}
		if got.Tag != 0x2c0a8a99dc147d54 {
			t.Errorf("%s: tag %x", name, got.Tag)
		}
	}
	reject := ledger.RejectKey([]byte(`{"Clock":1}`), "Clock", at(1, 0))
	if id := hex.EncodeToString(reject.ID[:]); id != "6b3ccc79c0d4a2520e74589b7e9ead3a" {
		t.Errorf("reject: ID %s", id)
	}
}

func TestKeysOfAPageCostNoAllocationARow(t *testing.T) {
	rec, content := deviceRows(t, 10_000, 0)
	defer rec.Release()
	k := ledger.NewKeyer(schema.IngestionTime, []string{"Timestamp", "DeviceId", "ReportId"})
	keys := k.Keys(rec, content, time.Time{}, nil)
	if n := testing.AllocsPerRun(5, func() { keys = k.Keys(rec, content, time.Time{}, keys[:0]) }); n > 50 {
		t.Errorf("%v allocations for 10,000 rows", n)
	}
}

func TestTheBinOfARejectedRow(t *testing.T) {
	fallback := at(7, 20)
	for raw, want := range map[string]time.Time{
		`{"Clock":"2026-09-01T03:14:59.9999999Z","A":1}`:      at(3, 0),
		`{"Clock":"2026-09-01T03:14:59","A":"\ud800"}`:        at(3, 0),
		`{"Clock":"2026-09-01T03:14:59.12+00:00"}`:            at(3, 0),
		"{\"Clock\":\"2026-09-01T03:14:59Z\",\"A\":\"\xff\"}": at(3, 0),
		`{"clock":"2026-09-01T03:14:59Z"}`:                    at(3, 0),
		`{"clock":"2026-09-01T03:14:59Z","CLOCK":""}`:         fallback,
		`{"Clock":"yesterday"}`:                               fallback,
		`{"Clock":""}`:                                        fallback,
		`{"Clock":null}`:                                      fallback,
		`{"Clock":17}`:                                        fallback,
		`{}`:                                                  fallback,
		`null`:                                                fallback,
		`[1]`:                                                 fallback,
		`{"Clock":"2026-09-01T03:14:59Z"`:                     fallback,
		``:                                                    fallback,
	} {
		k := ledger.RejectKey([]byte(raw), "Clock", fallback)
		if k.Bin != ledger.Number(want) {
			t.Errorf("%s: bin %s, want %s", raw, ledger.Start(k.Bin), want)
		}
	}
}

func TestRejectedRowsAreApart(t *testing.T) {
	raws := []string{`{"A":1}`, `{"A":2}`, `{"A":1} `, ``}
	var ids [][16]byte
	for _, raw := range raws {
		k := ledger.RejectKey([]byte(raw), "Clock", at(1, 0))
		if again := ledger.RejectKey([]byte(raw), "Clock", at(2, 0)); again.ID != k.ID || again.Tag != k.Tag {
			t.Errorf("%s has keys %v and %v", raw, k, again)
		}
		if slices.Contains(ids, k.ID) {
			t.Errorf("%s has the ID of another", raw)
		}
		ids = append(ids, k.ID)
	}
}
