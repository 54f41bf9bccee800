package main

import (
	"fmt"

	"fourwires/internal/lab"

	"github.com/spf13/cobra"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which lab this is",
		Args:  alone,
		Run: func(cmd *cobra.Command, args []string) {
			fmt.Fprintln(cmd.OutOrStdout(), lab.Version())
		},
	}
}
