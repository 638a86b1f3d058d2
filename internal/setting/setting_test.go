package setting_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"hunting-exporter/internal/setting"
)

func TestSecretNeverPrints(t *testing.T) {
	const value = "planted-6c1f"
	s := setting.Secret(value)
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb, s)
		fmt.Fprintf(&out, verb, struct{ S setting.Secret }{s})
	}
	if err := json.NewEncoder(&out).Encode(map[string]any{"s": s}); err != nil {
		t.Fatal(err)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "s", s, "in", struct{ S setting.Secret }{s})
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "s", s, "in", struct{ S setting.Secret }{s})
	if text := out.String(); strings.Contains(text, value) || strings.Contains(text, fmt.Sprintf("%x", value)) {
		t.Error(text)
	}
	if s.Reveal() != value {
		t.Error("the value itself is gone")
	}
}

func TestBytes(t *testing.T) {
	for text, want := range map[string]setting.Bytes{"256MiB": 256 << 20, "1GiB": 1 << 30, "500MB": 500e6, "12": 12, "1.5 KiB": 1536, "7B": 7, "256Mi": 256 << 20, "1Gi": 1 << 30, "2T": 2e12, "1Ti": 1 << 40, "3K": 3000} {
		var b setting.Bytes
		if err := b.UnmarshalText([]byte(text)); err != nil || b != want {
			t.Errorf("%q is %d, %v", text, b, err)
		}
		var again setting.Bytes
		if err := again.UnmarshalText([]byte(want.String())); err != nil || again != want {
			t.Errorf("%s is said to be %s, %v", text, want, err)
		}
	}
	if one := setting.Bytes(1).String(); one != "1B" {
		t.Errorf("one byte is said to be %s", one)
	}
	for _, text := range []string{"", "much", "-1MiB", "1TiBs", "12i", "i", "B", "Mi", "9e30GiB", "NaN"} {
		if err := new(setting.Bytes).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestErrorNamesEveryProblem(t *testing.T) {
	err := &setting.Error{Problems: []setting.Problem{
		{Variable: "A", Value: "x", Reason: "is bad", Fix: "set y"}, {Variable: "B", Value: "", Reason: "is missing", Fix: "set it"},
	}}
	for _, part := range []string{`A="x": is bad; set y`, `B="": is missing; set it`} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q lacks %q", err, part)
		}
	}
}
