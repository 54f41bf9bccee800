package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"fourwires/internal/decide"
	"fourwires/internal/protocol"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func decideCommand() *cobra.Command {
	n := decide.Usual()
	command := &cobra.Command{
		Use:   "decide",
		Short: "Say which transport a use asks for, and why",
		Long: `Say what a use would cost by each transport, which to take and why, and where the
answer changes. Costs are worked out from this repository's measurements; how late a
message is, from trips and intervals alone: pauses of the machines come on top.
Without flags, on a terminal, it asks.`,
		Example: `  lab decide                                   # it asks
  lab decide --rate 2 --clients 1000 --late 5s
  lab decide --direction both --rate 80 --size 60 --clients 4 --late 50ms`,
		Args: alone,
	}
	flags := command.Flags()
	flags.SortFlags = false
	flags.Float64Var(&n.Rate, "rate", n.Rate, "messages a second, of all clients together")
	flags.IntVar(&n.Size, "size", n.Size, "`bytes` of a message's data")
	flags.StringVar(&n.Direction, "direction", n.Direction,
		"`way` of the messages: down, both (up, and down to all) or up")
	flags.IntVar(&n.Clients, "clients", n.Clients, "clients at once")
	flags.DurationVar(&n.Late, "late", n.Late, "`time` that a message may be late")
	flags.DurationVar(&n.RTT, "rtt", n.RTT, "`time` of a round trip")
	flags.IntVar(&n.HTTP, "http", n.HTTP, "`version` of HTTP, 1 or 2; a WebSocket opens its connection by 1")
	flags.StringVar(&n.Headers, "headers", n.Headers, "the headers of `name`: "+protocol.Go+", "+protocol.Chrome)
	command.RunE = func(cmd *cobra.Command, args []string) error {
		in, ok := cmd.InOrStdin().(*os.File)
		if flags.NFlag() == 0 && ok && isatty.IsTerminal(in.Fd()) {
			if err := ask(cmd.Context(), in, cmd.OutOrStdout(), flags, n.Check); err != nil {
				return err
			}
			if cmd.Context().Err() != nil {
				return nil
			}
		}
		if err := n.Check(); err != nil {
			return err
		}
		if err := n.Advise(cmd.OutOrStdout()); err != nil {
			return failure{err}
		}
		return nil
	}
	return command
}

// ask asks for the value of each flag, and reads a line for each; an empty line leaves it as it is. A value that is
// refused is asked for once more. It ends when ctx does. It is an error that the lines end before the flags do.
func ask(ctx context.Context, in io.Reader, out io.Writer, flags *pflag.FlagSet, check func() error) error {
	answers, ended := make(chan string), make(chan error, 1)
	go func() { // a read from a terminal cannot be interrupted: this goroutine ends with the process
		lines := bufio.NewScanner(in)
		for lines.Scan() {
			select {
			case answers <- lines.Text():
			case <-ctx.Done():
				return
			}
		}
		ended <- errors.Join(errors.New("the answers ended too early"), lines.Err())
	}()
	var early error
	flags.VisitAll(func(flag *pflag.Flag) {
		for early == nil && ctx.Err() == nil && flag.Name != "help" {
			_, usage := pflag.UnquoteUsage(flag)
			fmt.Fprintf(out, "%s [%s]: ", strings.ToUpper(usage[:1])+usage[1:], flag.Value)
			var answer string
			select {
			case answer = <-answers:
			case early = <-ended:
				fmt.Fprintln(out)
				return
			case <-ctx.Done():
				return
			}
			before := flag.Value.String()
			if answer = strings.TrimSpace(answer); answer == "" {
				return
			}
			err := flag.Value.Set(answer)
			if err == nil {
				err = check()
			}
			if err == nil {
				return
			}
			fmt.Fprintf(out, "  %v\n", err)
			flag.Value.Set(before)
		}
	})
	fmt.Fprintln(out)
	return early
}
