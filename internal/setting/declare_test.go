package setting_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hunting-exporter/internal/setting"
)

type choice string

func (choice) Values() []string { return []string{"one", "two"} }

type declared struct {
	Word   string         `env:"WORD, default=a" help:"a word" values:"a b c" later:"d" wrong:"no such word"`
	Any    string         `env:"ANY" help:"'x', or 'y' to be sure" values:"x y" anycase:""`
	Choice choice         `env:"CHOICE" help:"by its type"`
	Number int            `env:"NUMBER, default=4" help:"a number" range:"1..64"`
	Open   setting.Bytes  `env:"OPEN, default=2MiB" range:"1MiB.." fix:"set more"`
	Wait   time.Duration  `env:"WAIT, default=1m" range:"1s..15m"`
	Yes    bool           `env:"YES"`
	Secret setting.Secret `env:"SECRET"`
	Other  string
}

// TestJudge: values outside of what is declared are refused, in the words that are declared.
func TestJudge(t *testing.T) {
	good := setting.WithDefaults(declared{Any: "Y", Choice: "two", Number: 64})
	if p := setting.Judge(good); len(p) > 0 || good.Open != 2<<20 || good.Wait != time.Minute || good.Number != 64 || good.Word != "a" {
		t.Errorf("%+v: %v", good, p)
	}
	var got []string
	for _, c := range []declared{{Word: "e", Any: "z", Choice: "three", Number: 65, Open: 1, Wait: time.Hour}, {Word: "d", Number: 1, Open: 1 << 40, Wait: time.Second}, {Number: 1, Open: 1 << 20}} {
		for _, p := range setting.Judge(c) {
			got = append(got, p.String())
		}
	}
	want := []string{
		`WORD="e": no such word; set a, b or c`,
		`ANY="z": is not one of the values there are; set x or y`,
		`CHOICE="three": is not one of the values there are; set one or two`,
		`NUMBER="65": out of range; set a number from 1 to 64`,
		`OPEN="1B": out of range; set more`,
		`WAIT="1h0m0s": out of range; set a duration from 1s to 15m`,
		`WORD="d": is of a later version; unset it, or set a, b or c`,
		`WORD="": no such word; set a, b or c`, // the environment cannot give it
		`WAIT="0s": out of range; set a duration from 1s to 15m`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestDeclared: what help, documents and tests take from a field.
func TestDeclared(t *testing.T) {
	of := func(name string) setting.Variable {
		f, _ := reflect.TypeFor[declared]().FieldByName(name)
		v, ok := setting.Declared(f)
		if ok != (name != "Other") {
			t.Errorf("%s is a setting: %t", name, ok)
		}
		return v
	}
	for name, want := range map[string]string{"Word": "a word: 'a', 'b' or 'c'", "Any": "'x', or 'y' to be sure", "Choice": "by its type: 'one' or 'two'", "Other": ""} {
		if got := of(name).Explained(); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	for name, want := range map[string][2][]string{
		"Word":   {{"b", "c"}, {"none of them"}},
		"Number": {{"1", "64"}, {"0", "many", "65"}},
		"Open":   {{"1MiB"}, {"1048575B", "many"}},
		"Wait":   {{"1s", "15m"}, {"999.999999ms", "many", "15m0.000000001s"}},
		"Yes":    {{"true"}, {"perhaps"}},
		"Secret": {},
	} {
		good, bad := of(name).Others()
		if diff := cmp.Diff(want, [2][]string{good, bad}); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if !of("Secret").Secret || of("Word").Default != "a" || of("Number").Flag() != "number" {
		t.Errorf("%+v", of("Secret"))
	}
}
