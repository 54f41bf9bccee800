package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"fourwires/internal/lab"
	"fourwires/internal/source"
	"fourwires/internal/wire"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
)

func wireCommand() *cobra.Command {
	var names []string
	for _, t := range lab.Transports {
		names = append(names, t.Name)
	}
	return &cobra.Command{
		Use:   "wire " + strings.Join(names, "|"),
		Short: "Print one real exchange, with every byte named and counted",
		Long: `Wire opens a lab of its own, reads one message from it, and prints what crossed
the connection: its direction, how many bytes, which part they belong to, what
they are, and themselves. CR and LF are shown as \r and \n.`,
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: names,
		RunE: func(cmd *cobra.Command, args []string) error {
			var listing wire.Listing
			for _, t := range lab.Transports {
				if t.Name == args[0] {
					if err := exchange(cmd.Context(), t, &listing); err != nil {
						return failure{err}
					}
				}
			}
			text := listing.String()
			if file, ok := cmd.OutOrStdout().(*os.File); ok && isatty.IsTerminal(file.Fd()) {
				text = coloured(text)
			}
			_, err := io.WriteString(cmd.OutOrStdout(), text)
			return err
		},
	}
}

// exchange reads one message from a lab that is opened for it.
func exchange(ctx context.Context, t lab.Transport, listing *wire.Listing) error {
	settings := lab.Settings{Keep: 1, Source: source.Default()}
	settings.Source.Source = source.None
	l, err := lab.New(settings)
	if err != nil {
		return err
	}
	var listeners [2]net.Listener
	for i := range listeners {
		if listeners[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return err
		}
		defer listeners[i].Close()
	}
	ctx, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- l.Serve(ctx, lab.Listeners{Lanes: listeners[0], Control: listeners[1]}) }()
	if _, err := l.Feed.Publish([]byte(`{"cpu":12.5}`)); err != nil {
		stop()
		return err
	}

	var ledger wire.Ledger
	dial := ledger.Tap((&net.Dialer{}).DialContext, listing.Add)
	client := t.Client(lab.Access{URL: "http://" + listeners[0].Addr().String() + "/" + t.Name + "?after=0", Dial: dial})
	for _, err = range client.Messages(ctx) {
		break
	}
	stop()
	if err := <-served; err != nil {
		return err
	}
	return err
}

// coloured gives the lines of a listing a colour for each part.
func coloured(listing string) string {
	colours := map[string]string{
		"payload": "1;32", "envelope": "32", "framing": "33", "head": "36", "opening": "34", "control": "35", "tag": "90", "unaccounted": "1;31",
	}
	var b strings.Builder
	for line := range strings.Lines(listing) {
		fields := strings.Fields(line) // direction, number, "B", part
		if len(fields) > 3 && (fields[0] == ">" || fields[0] == "<") {
			line = fmt.Sprintf("\x1b[%sm%s\x1b[0m\n", colours[fields[3]], strings.TrimSuffix(line, "\n"))
		}
		b.WriteString(line)
	}
	return b.String()
}
