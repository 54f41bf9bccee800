package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/protocol"
	"fourwires/internal/source"
	"fourwires/internal/wire"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
)

// later is the number of the request that is shown beside the first and the second.
const later = 5

func wireCommand() *cobra.Command {
	var names []string
	for _, t := range lab.Transports {
		names = append(names, t.Name)
	}
	var s protocol.Settings
	command := &cobra.Command{
		Use:   "wire " + strings.Join(names, "|"),
		Short: "Print one real exchange, with every byte named and counted",
		Long: `Wire opens a lab of its own, reads one message from it, and prints what crossed
the connection: its direction, how many bytes, which part they belong to, what
they are, and themselves. CR and LF are shown as \r and \n.

On HTTP/2 it then shows what the heads of the first request cost, of the second
and of the ` + fmt.Sprint(later) + `th, and what a cookie does to them.`,
		Example: `  lab wire sse
  lab wire polling --http 2
  lab wire polling --http 2 --headers chrome --cookie 4096`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || !slices.Contains(names, args[0]) {
				return fmt.Errorf("wire %q: must be one of %s", strings.Join(args, " "), strings.Join(names, ", "))
			}
			return nil
		},
		ValidArgs: names, // for the shell's completion
	}
	protocolFlags(command.Flags(), &s)
	command.RunE = func(cmd *cobra.Command, args []string) error {
		if err := s.Check(); err != nil {
			return err
		}
		s.Insecure = true // the lab is our own
		t, _ := lab.Find(args[0])
		text, err := exchanged(cmd.Context(), t, s)
		if err != nil {
			return failure{err}
		}
		if file, ok := cmd.OutOrStdout().(*os.File); ok && isatty.IsTerminal(file.Fd()) {
			text = coloured(text)
		}
		if _, err := io.WriteString(cmd.OutOrStdout(), text); err != nil {
			return failure{err}
		}
		return nil
	}
	return command
}

// exchanged returns all that is printed of a transport.
func exchanged(ctx context.Context, t lab.Transport, s protocol.Settings) (string, error) {
	var listing wire.Listing
	if err := exchange(ctx, t, s, 1, listing.Add); err != nil {
		return "", err
	}
	if s.Version(t.HTTP2) == 1 || t.Stream {
		return listing.String(), nil
	}
	comparison, err := compare(ctx, t, s)
	return listing.String() + comparison, err
}

// compare returns what the headers of the first, the second and a later request cost on HTTP/2, without a cookie and
// with one.
func compare(ctx context.Context, t lab.Transport, s protocol.Settings) (string, error) {
	byCookie := map[int]*wire.HeaderCosts{s.Headers.Cookie: nil, 0: nil, 512: nil, 4096: nil}
	for cookie := range byCookie {
		var costs wire.HeaderCosts
		settings := s
		settings.Headers.Cookie = cookie
		if err := exchange(ctx, t, settings, later, costs.Add); err != nil {
			return "", err
		}
		byCookie[cookie] = &costs
	}
	var b strings.Builder
	row := func(cells ...any) {
		line := fmt.Sprintf("%-22v", cells[0])
		for _, cell := range cells[1:] {
			line += fmt.Sprintf("%9v ", cell)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	own := byCookie[s.Headers.Cookie]
	for _, table := range []struct {
		name string
		dir  wire.Dir
	}{{"HEADERS of request", wire.Up}, {"of its answer", wire.Down}} {
		b.WriteString("\n")
		row(table.name, 1, 2, later)
		b.WriteString(own.Table(table.dir, 1, 2, later))
	}
	b.WriteString("+ written out and added to the dynamic table, = an index into a table\n")
	fmt.Fprintf(&b, "\nThe client's dynamic table then: %s\n", own.DynamicTable(wire.Up))
	row("request, with a cookie", "0 B", "512 B", "4096 B")
	for _, n := range []int{1, 2, later} {
		row(n, byCookie[0].Size(wire.Up, n), byCookie[512].Size(wire.Up, n), byCookie[4096].Size(wire.Up, n))
	}
	encoder := "Go's"
	if s.Headers.Set == protocol.Chrome {
		encoder = "Chromium's"
	}
	fmt.Fprintf(&b, "The requests' heads are written as by %s encoder.\n", encoder)
	return b.String(), nil
}

// exchange reads so many messages, one at a time, from a lab of its own, and calls spans with what crosses the
// connection.
func exchange(ctx context.Context, t lab.Transport, s protocol.Settings, messages int, spans func(wire.Span)) error {
	settings := lab.Settings{Keep: 1, Source: source.Default()}
	settings.Source.Source = source.None
	l, err := lab.New(settings)
	if err != nil {
		return err
	}
	on, err := lab.Loopback(true)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- l.Serve(ctx, on) }()
	publish := func() error {
		_, err := l.Feed.Publish([]byte(`{"cpu":12.5}`))
		return err
	}
	if err := publish(); err != nil {
		stop()
		return err
	}

	var ledger wire.Ledger
	addr := on.Lanes.Addr().String()
	if s.TLS {
		addr = on.TLS.Addr().String()
	}
	url := s.Scheme() + "://" + addr + "/" + t.Name + "?after=0"
	version := s.Version(t.HTTP2)
	dial := s.Dialer(version, &ledger, spans)
	// A poll a millisecond later finds the next message.
	client := t.Client(lab.Access{URL: url, Dial: dial, HTTP2: version == 2, Interval: time.Millisecond})
	var m feed.Message
	for m, err = range client.Messages(ctx) {
		if err != nil || m.ID == uint64(messages) {
			break
		}
		if err = publish(); err != nil {
			break
		}
	}
	stop()
	if err := <-served; err != nil {
		return err
	}
	return err
}

// coloured gives the lines of a listing a colour for each part.
func coloured(listing string) string {
	colours := map[string]string{"payload": "1;32", "envelope": "32", "framing": "33", "head": "36", "opening": "34",
		"control": "35", "tag": "90", "tls": "90", "unaccounted": "1;31"}
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
