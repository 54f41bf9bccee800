// Lab is the Fourwires teaching lab: one live feed over HTTP polling,
// long-polling, Server-Sent Events and WebSocket, side by side.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
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

// A failure is an error of work that was begun. Any other error is one of the
// command line.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// run is main without the process: it returns when the command is done or ctx
// ends.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	serve := serveCommand()
	lab := &cobra.Command{
		Use:   "lab",
		Short: "One live feed over polling, long-polling, SSE and WebSocket, side by side",
		Long: `Fourwires puts one live feed behind plain HTTP polling, long-polling,
Server-Sent Events and WebSocket, and shows what each costs.

"lab" alone is "lab serve": it serves the feed and a page that shows it.`,
		Args:          cobra.NoArgs,
		RunE:          serve.RunE,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	lab.Flags().AddFlagSet(serve.Flags())
	lab.AddCommand(serve, measureCommand(), wireCommand(), decideCommand(), versionCommand())
	lab.CompletionOptions.HiddenDefaultCmd = true
	lab.SetArgs(args)
	lab.SetIn(stdin)
	lab.SetOut(stdout)
	lab.SetErr(stderr)
	return lab.ExecuteContext(ctx)
}
