package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"fourwires/internal/measure"
	"fourwires/internal/protocol"
	"fourwires/internal/scenario"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// protocolFlags adds the flags that say what clients speak below their transport.
func protocolFlags(flags *pflag.FlagSet, s *protocol.Settings) {
	flags.IntVar(&s.HTTP, "http", 1, "`version` of HTTP, 1 or 2; a WebSocket opens its connection by 1")
	flags.BoolVar(&s.TLS, "tls", false, "speak TLS")
	flags.IntVar(&s.Headers.Cookie, "cookie", 0, "send a cookie of so many `bytes` with each request")
	flags.StringVar(&s.Headers.Set, "headers", protocol.Go, "send the headers of `name`: "+protocol.Go+", "+protocol.Chrome)
}

func measureCommand() *cobra.Command {
	var urls []string
	var asCSV, asJSON bool
	var named string
	var o measure.Options
	command := &cobra.Command{
		Use:   "measure",
		Short: "Measure the four transports side by side",
		Long: `Measure the four transports, one after the other, with the same messages: the
bytes that each needs for a message and what they are, its latency, and what it
costs the server. The server is a process of its own, or with --url another's.
Ctrl-C ends it and prints what there is.`,
		Example: `  lab measure                              # some 45 seconds
  lab measure --headers chrome --cookie 512 # with the heads that a browser sends
  lab measure --http 2 --tls               # as the web is today
  lab measure --rtt 100ms                  # over a network
  lab measure --scenario game --rtt 40ms   # what a game asks for
  lab measure --url http://127.0.0.1:8080  # a lab that runs
  lab measure --json --for 3s | jq .down.total`,
		Args: alone,
	}
	flags := command.Flags()
	flags.SortFlags = false
	flags.DurationVar(&o.For, "for", 10*time.Second, fmt.Sprintf("`time` of each transport, at most %v", measure.MaxFor))
	flags.Float64Var(&o.Rate, "rate", 20, "messages a second")
	flags.IntVar(&o.Payload, "payload", 128, "`bytes` of a message's data")
	flags.DurationVar(&o.Interval, "interval", time.Second, "`time` from one poll to the next")
	flags.IntVar(&o.Clients, "clients", 1, fmt.Sprintf("clients of each transport, at most %d", measure.MaxClients))
	protocolFlags(flags, &o.Protocol)
	network := networkFlags(flags)
	flags.StringVar(&named, "scenario", "", "measure what a use asks for, by HTTP/1.1 and HTTP/2: `name` is "+strings.Join(scenario.Names(), ", "))
	flags.StringArrayVar(&urls, "url", nil, "`address` of a lab that runs; or TRANSPORT=URL, for each of some")
	flags.BoolVar(&o.Protocol.Insecure, "insecure", false, "trust the certificate of --url, whoever signed it")
	flags.BoolVar(&asCSV, "csv", false, "print a record for each transport, under a header")
	flags.BoolVar(&asJSON, "json", false, "print a line of JSON for each transport")
	command.AddCommand(measureServerCommand())

	command.RunE = func(cmd *cobra.Command, args []string) error {
		var err error
		if o.Targets, err = measure.ParseTargets(urls); err != nil {
			return err
		}
		if o.Network, err = network(); err != nil {
			return err
		}
		elsewhere := map[string]string{"rtt": "is where it is", "jitter": "is where it is", "kbps": "is where it is", "rate": "publishes as it does", "payload": "publishes as it does", "tls": "speaks TLS where it says https"}
		for _, name := range slices.Sorted(maps.Keys(elsewhere)) {
			if len(urls) > 0 && flags.Changed(name) {
				return fmt.Errorf("--%s: the server at --url %s", name, elsewhere[name])
			}
		}
		if asCSV && asJSON {
			return errors.New("--csv, --json: one of them")
		}
		var use scenario.Scenario
		if named != "" {
			for _, name := range []string{"rate", "payload", "interval", "clients", "http", "url"} {
				if flags.Changed(name) {
					return fmt.Errorf("--%s: the scenario says it", name)
				}
			}
			if use, err = scenario.Find(named); err != nil {
				return err
			}
			o = o.With(use)
		}
		if err := o.Check(); err != nil {
			return err
		}
		self, err := os.Executable()
		if err != nil {
			return failure{err}
		}
		o.Server = []string{self, "measure", "server"}
		if out, ok := cmd.ErrOrStderr().(*os.File); ok && isatty.IsTerminal(out.Fd()) {
			o.Progress = out
		}

		var results []measure.Result
		print := func(r measure.Result) error {
			results = append(results, r)
			return nil
		}
		switch {
		case asJSON:
			print = measure.JSON(cmd.OutOrStdout())
		case asCSV:
			print = measure.CSV(cmd.OutOrStdout())
		}
		if named != "" {
			err = measure.RunAll(cmd.Context(), o, print)
		} else {
			err = measure.Run(cmd.Context(), o, print)
		}
		switch {
		case len(results) == 0:
		case named != "":
			err = errors.Join(measure.ScenarioTable(cmd.OutOrStdout(), use, results), err)
		default:
			err = errors.Join(measure.Table(cmd.OutOrStdout(), o, results), err)
		}
		if err != nil {
			return failure{err}
		}
		return nil
	}
	return command
}

// measureServerCommand is what measure starts as its server. It ends when stdin
// does: a Ctrl-C in the terminal reaches it too, but its parent is not done yet.
func measureServerCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "server",
		Hidden: true,
		Args:   alone,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := measure.Serve(cmd.InOrStdin(), cmd.OutOrStdout()); err != nil {
				return failure{err}
			}
			return nil
		},
	}
}
