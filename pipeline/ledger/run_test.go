package ledger_test

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/zeebo/xxh3"
	"pgregory.net/rapid"

	"hunting-exporter/pipeline/ledger"
)

var allTime = [2]time.Time{time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}

func compareKeys(a, b ledger.Key) int {
	return cmp.Or(cmp.Compare(a.Bin, b.Bin), bytes.Compare(a.ID[:], b.ID[:]), cmp.Compare(a.Tag, b.Tag))
}

func TestRunRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(anyKey, 0, 400).Draw(t, "keys")
		want := slices.SortedFunc(slices.Values(keys), compareKeys)
		data, start, end := ledger.EncodeRun(keys)
		if len(want) == 0 {
			if !start.IsZero() || !end.IsZero() {
				t.Fatalf("no keys from %s to %s", start, end)
			}
		} else if first, last := want[0].Bin, want[len(want)-1].Bin; !start.Equal(ledger.Start(first)) || !end.Equal(ledger.Start(last+1)) {
			t.Fatalf("from %s to %s, yet of bins %d to %d", start, end, first, last)
		}
		before := []ledger.Key{{Bin: 42}}
		got, err := ledger.DecodeRun(data, allTime[0], allTime[1], before)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(got[1:], compareKeys)
		if diff := gocmp.Diff(append(before, want...), got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestDecodeRunTakesTheBinsThatOverlap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(someKey, 0, 30).Draw(t, "keys")
		from := time.Unix(rapid.Int64Range(-4000, 4000).Draw(t, "from"), 0)
		to := time.Unix(rapid.Int64Range(-4000, 4000).Draw(t, "to"), 0)
		data, _, _ := ledger.EncodeRun(keys)
		want := slices.DeleteFunc(keys, func(k ledger.Key) bool {
			return !ledger.Start(k.Bin).Before(to) || !ledger.Start(k.Bin+1).After(from)
		})
		if !from.Before(to) {
			return // an empty range; what overlaps it is nobody's question
		}
		got, err := ledger.DecodeRun(data, from, to, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}

// The radix passes only begin with many keys.
func TestManyKeysAreSorted(t *testing.T) {
	keys := benchKeys(150_000)
	for i := range keys {
		keys[i].Bin = 0
		switch i % 4 {
		case 0:
			keys[i].ID = ledgerHash(uint64(i % 3)) // equal ones
		case 1:
			copy(keys[i].ID[:], make([]byte, 15)) // which differ late
		}
	}
	want := slices.SortedFunc(slices.Values(keys), compareKeys)
	ledger.NewSeen(keys)
	if !slices.Equal(keys, want) {
		t.Error("not sorted as by comparing alone")
	}
}

// The form of runs that are stored already.
func TestRunForm(t *testing.T) {
	data, _, _ := ledger.EncodeRun([]ledger.Key{
		{Bin: 300, ID: [16]byte{2}, Tag: 7}, {Bin: -1, ID: [16]byte{9, 15: 1}, Tag: 1 << 63}, {Bin: 300, ID: [16]byte{2}, Tag: 6},
	})
	const want = "68756e7472756e01" + "03" +
		"01" + "01" + "09000000000000000000000000000001" + "0000000000000080" +
		"da04" + "02" + "02000000000000000000000000000000" + "0700000000000000" +
		"02000000000000000000000000000000" + "0600000000000000" + "fe44a2b3d0261407"
	if got := hex.EncodeToString(data); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestADamagedRunIsAnError(t *testing.T) {
	keys := benchKeys(40)
	for i := range keys {
		keys[i].Bin = int64(i / 10)
	}
	data, start, end := ledger.EncodeRun(keys)
	refuse := func(what string, damaged []byte) {
		t.Helper()
		got, err := ledger.DecodeRun(damaged, start, end, nil)
		if !errors.Is(err, ledger.ErrDamaged) || got != nil {
			t.Errorf("%s: %d keys, %v", what, len(got), err)
		}
	}
	for n := range data {
		refuse("cut", data[:n])
		for bit := range 8 {
			damaged := bytes.Clone(data)
			damaged[n] ^= 1 << bit
			refuse("a bit flipped", damaged)
		}
	}
	refuse("longer", append(bytes.Clone(data), 0))
	refuse("twice", append(bytes.Clone(data), data...))
	refuse("nothing", nil)
}

// seal puts the checksum behind the body of a run.
func seal(body []byte) []byte {
	return binary.LittleEndian.AppendUint64(bytes.Clone(body), xxh3.Hash(body))
}

func TestARunWhoseNumbersDisagreeIsAnError(t *testing.T) {
	key := make([]byte, 24)
	run := func(parts ...[]byte) []byte { return seal(append([]byte("huntrun\x01"), bytes.Join(parts, nil)...)) }
	for name, data := range map[string][]byte{
		"no count":              run(),
		"more keys than bytes":  run([]byte{2, 0, 1}, key),
		"a count beyond all":    run(binary.AppendUvarint(nil, 1<<63), key),
		"a bin of no keys":      run([]byte{1, 0, 0, 0, 1}, key),
		"a bin of too many":     run([]byte{1, 0, 2}, key, key),
		"a key behind the last": run([]byte{1, 0, 1}, key, key),
		"a bin without number":  run([]byte{1}, bytes.Repeat([]byte{0xff}, 24)),
	} {
		if got, err := ledger.DecodeRun(data, allTime[0], allTime[1], nil); !errors.Is(err, ledger.ErrDamaged) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if got, err := ledger.DecodeRun(run([]byte{1, 0, 1}, key), allTime[0], allTime[1], nil); err != nil || len(got) != 1 {
		t.Errorf("one whole key: %v, %v", got, err)
	}
}

func FuzzDecodeRun(f *testing.F) {
	for _, n := range []int{0, 1, 5} {
		data, _, _ := ledger.EncodeRun(benchKeys(n))
		f.Add(data[:len(data)-8])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if _, err := ledger.DecodeRun(body, allTime[0], allTime[1], nil); err == nil && len(body) < 17 {
			t.Fatalf("%x is a run", body)
		}
		keys, err := ledger.DecodeRun(seal(body), allTime[0], allTime[1], nil)
		if err != nil {
			if !errors.Is(err, ledger.ErrDamaged) || keys != nil {
				t.Fatalf("%d keys, %v", len(keys), err)
			}
			return
		}
		data, start, end := ledger.EncodeRun(slices.Clone(keys))
		again, err := ledger.DecodeRun(data, start, end, nil)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(keys, compareKeys)
		slices.SortFunc(again, compareKeys)
		if !slices.Equal(keys, again) {
			t.Fatalf("%d keys, %d when encoded again", len(keys), len(again))
		}
	})
}
