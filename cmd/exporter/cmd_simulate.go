package main

import "github.com/spf13/cobra"

func (c *cli) simulateCommand() *cobra.Command { return &cobra.Command{Use: "simulate"} }
