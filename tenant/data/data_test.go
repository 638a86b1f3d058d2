package data_test

import (
	"encoding/json"
	"math"
	"slices"
	"sort"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hunting-exporter/tenant/data"
)

// values draws a value of a kind, or null.
func values(kinds ...data.Kind) *rapid.Generator[data.Value] {
	ticks := rapid.Int64Range(-60_000_000_000*10_000_000, 250_000_000_000*10_000_000)
	return rapid.Custom(func(t *rapid.T) data.Value {
		switch rapid.SampledFrom(kinds).Draw(t, "kind") {
		case data.KindBool:
			return data.Bool(rapid.Bool().Draw(t, "bool"))
		case data.KindInt:
			return data.Int(int64(rapid.Int32().Draw(t, "int")))
		case data.KindLong:
			return data.Long(rapid.Int64().Draw(t, "long"))
		case data.KindReal:
			return data.Real(rapid.Float64().Draw(t, "real"))
		case data.KindString:
			return data.String(rapid.String().Draw(t, "string"))
		case data.KindDatetime:
			return data.Datetime(ticks.Draw(t, "datetime"))
		case data.KindTimespan:
			return data.Timespan(ticks.Draw(t, "timespan"))
		default:
			return data.Value{}
		}
	})
}

// The text of a value is read as the value again.
func TestValuesAreReadAsWritten(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		v := values(data.KindBool, data.KindInt, data.KindLong, data.KindReal, data.KindString, data.KindDatetime, data.KindTimespan).Draw(rt, "v")
		if got, ok := data.ParseAs(v.String(), v.Kind); !ok || got != v {
			rt.Fatalf("%v is written %q and read as %v", v, v, got)
		}
		if got := data.Convert(data.Convert(v, data.KindDynamic), v.Kind); got != v {
			rt.Fatalf("%v is %v by way of a dynamic", v, got)
		}
	})
	for text, kind := range map[string]data.Kind{
		"": data.KindLong, "1.5": data.KindInt, "3000000000": data.KindInt, "yes": data.KindBool, "2026-13-01": data.KindDatetime,
		"1:2:3:4": data.KindTimespan, "aaaaaaaa-0000-0000-0000-00000000000g": data.KindGuid, "{": data.KindDynamic, "x": data.KindDecimal,
	} {
		if v, ok := data.ParseAs(text, kind); ok {
			t.Errorf("%q is read as the %s %v", text, kind, v)
		}
	}
}

// Values of numbers, and of any other type among themselves, have one order; a null has none.
func TestCompareIsAnOrder(t *testing.T) {
	for _, kinds := range [][]data.Kind{
		{data.KindInt, data.KindReal}, {data.KindLong}, {data.KindString}, {data.KindDatetime}, {data.KindTimespan}, {data.KindBool},
	} {
		rapid.Check(t, func(rt *rapid.T) {
			v := rapid.SliceOfN(values(kinds...), 3, 3).Draw(rt, "values")
			ab, _ := data.Compare(v[0], v[1])
			ba, _ := data.Compare(v[1], v[0])
			bc, _ := data.Compare(v[1], v[2])
			ac, _ := data.Compare(v[0], v[2])
			if ab != -ba || ab <= 0 && bc <= 0 && ac > 0 || ab >= 0 && bc >= 0 && ac < 0 {
				rt.Fatalf("%v: %d %d %d %d", v, ab, ba, bc, ac)
			}
			if _, ok := data.Compare(v[0], data.Value{}); ok {
				rt.Fatalf("%v has an order with null", v[0])
			}
		})
	}
	if c, ok := data.Compare(data.Long(math.MaxInt64), data.Long(math.MaxInt64-1)); !ok || c != 1 {
		t.Error("longs beyond what a double holds are alike")
	}
}

// Compact JSON is the same JSON, of which compacting leaves nothing out and finds nothing
// more to leave out; its members are those that encoding/json finds.
func TestCompactJSON(t *testing.T) {
	text := rapid.Custom(func(rt *rapid.T) string {
		leaf := rapid.OneOf(rapid.String().AsAny(), rapid.Int32().AsAny(), rapid.Bool().AsAny(), rapid.Just[any](nil))
		x := map[string]any{}
		for range rapid.IntRange(0, 4).Draw(rt, "n") {
			x[rapid.String().Draw(rt, "key")] = rapid.OneOf(leaf, rapid.SliceOfN(leaf, 0, 3).AsAny()).Draw(rt, "value")
		}
		b, err := json.MarshalIndent(x, " ", "\t")
		if err != nil {
			rt.Fatal(err)
		}
		return string(b)
	})
	rapid.Check(t, func(rt *rapid.T) {
		in := text.Draw(rt, "text")
		out, err := data.CompactJSON(in)
		if err != nil {
			rt.Fatal(in, err)
		}
		var want, got map[string]any
		if err := json.Unmarshal([]byte(in), &want); err != nil {
			rt.Fatal(err)
		}
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			rt.Fatal(out, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatal(diff)
		}
		if again, err := data.CompactJSON(out); err != nil || again != out {
			rt.Fatalf("%q becomes %q (%v)", out, again, err)
		}
		members := map[string]any{}
		data.EachMember(out, func(key, v string) {
			name, ok := data.UnquoteJSON(key)
			var x any
			if err := json.Unmarshal([]byte(v), &x); err != nil || !ok {
				rt.Fatalf("%q of %q: %v", key, out, err)
			}
			members[name] = x
		})
		if diff := cmp.Diff(want, members); diff != "" {
			rt.Fatal(diff)
		}
	})
	for _, text := range []string{"", "{", "[1,]", "{} {}", "nul", `{"a"}`} {
		if out, err := data.CompactJSON(text); err == nil {
			t.Errorf("%q becomes %q", text, out)
		}
	}
}

// Within finds in an order what a walk over all would.
func TestWithin(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		clock := rapid.SliceOf(rapid.Int64Range(0, 20)).Draw(rt, "clock")
		span := data.Span{From: rapid.Int64Range(-1, 21).Draw(rt, "from"), To: rapid.Int64Range(-1, 21).Draw(rt, "to")}
		if rapid.Bool().Draw(rt, "open") {
			span.To = data.Always.To
		}
		order := make([]uint32, len(clock))
		for i := range order {
			order[i] = uint32(i)
		}
		sort.SliceStable(order, func(a, b int) bool { return clock[order[a]] < clock[order[b]] })
		ids := data.Within(order, len(clock), span, func(id int) int64 { return clock[id] })
		var got, want []int
		for i := range ids.N {
			got = append(got, ids.At(i))
		}
		for id, at := range clock {
			if span.Has(at) {
				want = append(want, id)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			rt.Fatalf("%v within %v: %v, want %v", clock, span, got, want)
		}
	})
}

// XXH64 is that of its specification.
func TestXXHash64(t *testing.T) {
	for text, want := range map[string]uint64{
		"": 0xEF46DB3751D8E999, "a": 0xD24EC4F1A98C6E5B, "abc": 0x44BC2CF5AD770999,
		"Nobody inspects the spammish repetition": 0xFBCEA83C8A378BF1,
	} {
		if got := data.XXHash64(text); got != want {
			t.Errorf("%q: %x, want %x", text, got, want)
		}
	}
}
