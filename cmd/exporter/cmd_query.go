package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hunting-exporter/internal/setting"
)

func (c *cli) queryCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "query",
		Short: "Look at custom queries",
		Args:  commandsOnly,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.queryCheckCommand())
	return cmd
}

func (c *cli) queryCheckCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check <file or folder>...",
		Short: "Say which custom queries can be exported, and why others cannot",
		Long: `Say which custom queries can be exported, and why others cannot. Nothing is asked of
anybody and no setting is needed. Of a folder, all *.kql in it and below it are judged;
- is standard input.

Each is one of
  rows       the rows of one window after the other, each once
  aggregate  sums of each window (// mode: aggregate)
  snapshot   the whole answer, once in a while (// mode: snapshot)
  refused    with the reasons and the lines they are about

Exit codes: 0 all are accepted, 2 one is refused.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &usageError{fmt.Errorf("%s takes files or folders, none is given; see %[1]s --help", cmd.CommandPath())}
			}
			return nil
		},
	}
	output := cmd.Flags().String("output", "text", "text or json (file, name, mode, verdict, reasons, warnings)")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if *output != "text" && *output != "json" {
			return &usageError{fmt.Errorf("--output %q is neither text nor json", *output)}
		}
		checked, err := c.checkQueries(args)
		if err != nil {
			return err
		}
		if *output == "json" {
			err = checked.json(c.out)
		} else {
			err = checked.text(c.out)
		}
		if err == nil && checked.refused() > 0 {
			err = &reportedError{code: codeConfiguration}
		}
		return err
	}
	return cmd
}

// stdinName is the argument that stands for standard input.
const stdinName = "-"

// checkQueries judges files and what is in folders.
func (c *cli) checkQueries(args []string) (checkedQueries, error) {
	var (
		found   queryFiles
		checked = checkedQueries{table: len(args) > 1}
		stdin   []byte
	)
	for _, arg := range args {
		info, err := os.Stat(arg)
		switch {
		case arg == stdinName && stdin == nil:
			if stdin, err = io.ReadAll(io.LimitReader(c.in, maxQueryBytes+1)); err != nil || len(stdin) > maxQueryBytes {
				return checked, &usageError{fmt.Errorf("standard input is longer than the %d bytes that the API takes, or cannot be read", maxQueryBytes)}
			}
			found.paths = append(found.paths, arg)
		case err == nil && info.IsDir():
			checked.table = true
			before := len(found.paths) + len(found.meant)
			if err := found.folder(arg, 0); err != nil {
				return checked, &usageError{fmt.Errorf("%s: %w", arg, err)}
			}
			if len(found.paths)+len(found.meant) == before {
				return checked, &usageError{fmt.Errorf("%s holds no *.kql file", arg)}
			}
		default:
			found.paths = append(found.paths, arg)
		}
	}
	checked.queries = judgeFiles(slices.Concat(found.paths, found.meant), stdin)
	for i := range checked.queries {
		q := &checked.queries[i]
		switch other := !strings.EqualFold(filepath.Ext(q.File), queryEnding) && q.File != stdinName; {
		case other && i >= len(found.paths):
			q.refuse(0, "is not read, since its name does not end in %s: rename it", queryEnding)
		case other:
			q.warn(0, "of a folder, only files whose names end in %s are read: rename it", queryEnding)
		}
	}
	for _, w := range found.warnings() {
		fmt.Fprintf(c.err, "exporter: %s\n", w)
	}
	return checked, nil
}

// maxQueryBytes is the longest query that the API takes.
const maxQueryBytes = 1 << 20

// readQuery reads a query's file.
func readQuery(path string, stdin []byte) ([]byte, error) {
	if path == stdinName && stdin != nil {
		return stdin, nil
	}
	data, err := setting.ReadFile(path)
	if err == nil && len(data) == 0 {
		err = errors.New("is empty")
	}
	return data, err
}
