package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hunting-exporter/config"
)

var update = flag.Bool("update", false, "rewrite what is generated from the commands")

// ofSetting is what the help of a setting's flag ends with.
var ofSetting = regexp.MustCompile(` \[([A-Z0-9_]+)\]$`)

// placeholder is what Markdown would take for HTML.
var placeholder = regexp.MustCompile(`<\w+>\S*`)

// TestReferenceIsCurrent: docs/commands.md says what the commands' help says. With -update it
// is written, which `make generate` does.
func TestReferenceIsCurrent(t *testing.T) {
	const path = "../../docs/commands.md"
	var text strings.Builder
	text.WriteString("# Commands\n\nWhat `exporter <command> --help` says, without the flags of the [settings](../README.md#configuration). `make generate` writes this page.\n")
	describe(&text, (&cli{}).root())
	if *update {
		if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(text.String(), string(have)); diff != "" {
		t.Errorf("%s differs from the help (-want +have); make generate writes it:\n%s", path, diff)
	}
}

// describe writes what there is to know of a command and those below it.
func describe(w *strings.Builder, cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "completion" { // made by cobra
			describe(w, sub)
		}
	}
	if cmd.HasSubCommands() {
		return
	}
	said := cmd.Long
	if said == "" {
		said = cmd.Short + "."
	}
	fmt.Fprintf(w, "\n## %s\n\n```text\n%s\n\n%s\n```\n", strings.TrimPrefix(cmd.CommandPath(), "exporter "), cmd.UseLine(), said)
	var own []string
	takes := map[string]bool{}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if m := ofSetting.FindStringSubmatch(f.Usage); m != nil {
			takes[m[1]] = true
		} else if !f.Hidden && f.Name != "help" {
			fallback := ""
			if f.DefValue != "" && f.DefValue != "[]" && f.DefValue != "false" {
				fallback = " (" + f.DefValue + ")"
			}
			own = append(own, fmt.Sprintf("- `--%s`%s %s\n", f.Name, fallback, placeholder.ReplaceAllString(f.Usage, "`$0`")))
		}
	})
	if len(own) > 0 {
		fmt.Fprintf(w, "\n%s", strings.Join(own, ""))
	}
	if len(takes) > 0 {
		fmt.Fprintf(w, "\nSettings: %s.\n", strings.Join(grouped(takes), ", "))
	}
}

// grouped names settings, all that begin alike as one.
func grouped(takes map[string]bool) (names []string) {
	whole, every := map[string]bool{}, true
	for _, v := range config.Variables() {
		group, _, _ := strings.Cut(v.Name, "_")
		if all, seen := whole[group]; !seen || all {
			whole[group] = takes[v.Name]
		}
		every = every && takes[v.Name]
	}
	if every {
		return []string{"all"}
	}
	for _, v := range config.Variables() {
		group, _, _ := strings.Cut(v.Name, "_")
		name := "`" + v.Name + "`"
		if whole[group] {
			name = "`" + group + "_*`"
		}
		if takes[v.Name] && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
