package main

import (
	"fmt"

	"hunting-exporter/config/query"

	"github.com/spf13/cobra"
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
		checked, err := query.Check(args, c.in)
		if err != nil {
			return &usageError{err}
		}
		for _, w := range checked.Warnings {
			fmt.Fprintf(c.err, "exporter: %s\n", w)
		}
		if *output == "json" {
			err = checked.JSON(c.out)
		} else {
			err = checked.Text(c.out)
		}
		if err == nil && checked.Refused() {
			err = &reportedError{code: codeConfiguration}
		}
		return err
	}
	return cmd
}
