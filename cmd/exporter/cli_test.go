package main

import (
	"strings"
	"testing"

	"hunting-exporter/config"
	"hunting-exporter/report"
)

// What is mistyped is told apart from what is missing, and the right word is named.
func TestMistypedCommandsAndFlags(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		says []string
	}{
		{[]string{"rnu"}, []string{`"unknown command;`, "did you mean run?", "backfill, demo, query, run, simulate, state, version"}},
		{[]string{"validate"}, []string{`"unknown command;`, "backfill, demo, query, run, simulate, state, version"}},
		{[]string{"state", "shwo"}, []string{`"state: unknown command;`, "did you mean show?", "adopt, resolve, show"}},
		{[]string{"run", "--export-tabels", "A"}, []string{"--export-tabels", "did you mean --export-tables?"}},
		{[]string{"run", "-export-tables", "A"}, []string{"two dashes", "did you mean --export-tables?"}},
		{[]string{"state", "show", "--lake-ulr=x"}, []string{"did you mean --lake-url?"}},
	} {
		code, out, errs := exporter(t, nil, c.args...)
		if code != 2 || out != "" {
			t.Errorf("%v: exit code %d, standard output %q", c.args, code, out)
		}
		for _, says := range c.says {
			if !strings.Contains(errs, says) {
				t.Errorf("%v: %q lacks %q", c.args, errs, says)
			}
		}
	}
}

// A secret that lands where a flag's name or a command is read is not repeated.
func TestMistypedSecretIsNotRepeated(t *testing.T) {
	t.Parallel()
	const planted = "PLANTED-5ecret"
	for _, args := range [][]string{
		{"run", "-azure-client-secret=" + planted},
		{"run", "---azure-client-secret=" + planted},
		{"run", "--=" + planted},
		{"run", "-p" + planted},
		{"run", "--azure-client-secert=" + planted},
		{planted},
		{"state", planted},
		{"run", planted},
	} {
		code, out, errs := exporter(t, nil, args...)
		if code != 2 || strings.Contains(out+errs, planted) {
			t.Errorf("%v: exit code %d\n%s%s", args, code, out, errs)
		}
	}
}

func TestVersionFlag(t *testing.T) {
	t.Parallel()
	_, command, _ := exporter(t, nil, "version")
	if code, out, errs := exporter(t, nil, "--version"); code != 0 || out != command || !strings.HasPrefix(out, "exporter ") {
		t.Errorf("exit code %d, %q, want %q\n%s", code, out, command, errs)
	}
}

func TestNoColor(t *testing.T) {
	colours := func() bool {
		var out strings.Builder
		report.NewLogger(&out, true, config.Log{Level: "info", Format: "auto"}).Warn("text")
		return strings.Contains(out.String(), "\x1b[")
	}
	t.Setenv("NO_COLOR", "")
	if !colours() {
		t.Error("a terminal gets no colours")
	}
	t.Setenv("NO_COLOR", "1")
	if colours() {
		t.Error("NO_COLOR is ignored")
	}
}
