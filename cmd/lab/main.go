// Lab is the Fourwires teaching lab: one live feed over HTTP polling, long-polling, Server-Sent Events and WebSocket,
// side by side.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	if err == nil {
		return
	}
	fmt.Fprintf(os.Stderr, "lab: %v\n", err)
	var failed failure
	if errors.As(err, &failed) {
		os.Exit(1)
	}
	os.Exit(2)
}

// A failure is an error of work that was begun: the exit status is 1. Any other error is one of the command line: it is
// 2.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// run is main without the process. It blocks until the command is done or ctx ends.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	serve := serveCommand()
	lab := &cobra.Command{
		Use:   "lab",
		Short: "One live feed over polling, long-polling, SSE and WebSocket, side by side",
		Long: `Fourwires puts one live feed behind plain HTTP polling, long-polling,
Server-Sent Events and WebSocket, and shows what each costs.

"lab" alone is "lab serve": it serves the feed and a page that shows it.`,
		Args:          alone,
		RunE:          serve.RunE,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	lab.Flags().AddFlagSet(serve.Flags())
	lab.AddCommand(serve, measureCommand(), wireCommand(), decideCommand(), versionCommand())
	lab.SetHelpCommand(&cobra.Command{
		Use:   "help [command]",
		Short: "Say what there is",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := lab.Find(args)
			if err != nil || len(rest) > 0 {
				return withHelp(lab, fmt.Errorf("unknown command %q for %q", strings.Join(args, " "), "lab"))
			}
			return about.Help()
		},
	})
	lab.CompletionOptions.HiddenDefaultCmd = true
	lab.SetArgs(args)
	lab.SetIn(stdin)
	lab.SetOut(stdout)
	lab.SetErr(stderr)
	lab.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return withHelp(cmd, err) })
	err := lab.ExecuteContext(ctx)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil // the signal asked it to end
	}
	return err
}

// alone checks the arguments of a command that takes none.
func alone(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return withHelp(cmd, fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath()))
	}
	return nil
}

// withHelp adds to an error of the command line which command lists what is right.
func withHelp(cmd *cobra.Command, err error) error {
	return fmt.Errorf("%w (%s --help says what there is)", err, cmd.CommandPath())
}
