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

// protocolFlags adds the flags of what clients speak below their transport.
func protocolFlags(flags *pflag.FlagSet, s *protocol.Settings) {
	flags.IntVar(&s.HTTP, "http", 1, "`version` of HTTP, 1 or 2; a WebSocket opens its connection by 1")
	flags.BoolVar(&s.TLS, "tls", false, "speak TLS")
	flags.IntVar(&s.Headers.Cookie, "cookie", 0, "send a cookie of so many `bytes` with each request")
	flags.StringVar(&s.Headers.Set, "headers", protocol.Go,
		"send the headers of `name`: "+protocol.Go+", "+protocol.Chrome)
}

// A measuring is what "lab measure" is asked for.
type measuring struct {
	options     measure.Options
	urls        []string
	scenario    string // its name
	csv, asJSON bool
}

func measureCommand() *cobra.Command {
	m := &measuring{}
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
		RunE: func(cmd *cobra.Command, args []string) error { return m.run(cmd) },
	}
	m.addFlags(command.Flags())
	command.AddCommand(measureServerCommand())
	return command
}

// addFlags adds the flags, in the order in which --help lists them.
func (m *measuring) addFlags(flags *pflag.FlagSet) {
	o := &m.options
	flags.SortFlags = false
	flags.DurationVar(&o.For, "for", 10*time.Second,
		fmt.Sprintf("`time` of each transport, at most %v", measure.MaxFor))
	flags.Float64Var(&o.Rate, "rate", 20, "messages a second")
	flags.IntVar(&o.Payload, "payload", 128, "`bytes` of a message's data")
	flags.DurationVar(&o.Interval, "interval", time.Second, "`time` from one poll to the next")
	flags.IntVar(&o.Clients, "clients", 1, fmt.Sprintf("clients of each transport, at most %d", measure.MaxClients))
	protocolFlags(flags, &o.Protocol)
	networkFlags(flags, &o.Network)
	flags.StringVar(&m.scenario, "scenario", "",
		"measure what a use asks for, by HTTP/1.1 and HTTP/2: `name` is "+strings.Join(scenario.Names(), ", "))
	flags.StringArrayVar(&m.urls, "url", nil, "`address` of a lab that runs; or TRANSPORT=URL, for each of some")
	flags.BoolVar(&o.Protocol.Insecure, "insecure", false, "trust the certificate of --url, whoever signed it")
	flags.BoolVar(&m.csv, "csv", false, "print a record for each transport, under a header")
	flags.BoolVar(&m.asJSON, "json", false, "print a line of JSON for each transport")
}

// run measures and prints.
func (m *measuring) run(cmd *cobra.Command) error {
	o := &m.options
	use, err := m.check(cmd.Flags())
	if err != nil {
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

	out := cmd.OutOrStdout()
	var results []measure.Result // that are printed in the end
	print := func(r measure.Result) error {
		results = append(results, r)
		return nil
	}
	switch {
	case m.asJSON:
		print = measure.JSON(out)
	case m.csv:
		print = measure.CSV(out)
	}
	if m.scenario != "" {
		err = measure.RunAll(cmd.Context(), *o, print)
	} else {
		err = measure.Run(cmd.Context(), *o, print)
	}
	switch {
	case len(results) == 0:
	case m.scenario != "":
		err = errors.Join(measure.ScenarioTable(out, use, results), err)
	default:
		err = errors.Join(measure.Table(out, *o, results), err)
	}
	if err != nil {
		return failure{err}
	}
	return nil
}

// notWithURL are the flags that cannot be given with --url, and why.
var notWithURL = map[string]string{
	"rtt":     "is where it is",
	"jitter":  "is where it is",
	"kbps":    "is where it is",
	"rate":    "publishes as it does",
	"payload": "publishes as it does",
	"tls":     "speaks TLS where it says https",
}

// check reads the targets and the scenario into the options, and returns the first fault of the flags. It also returns
// the scenario, if there is one.
func (m *measuring) check(flags *pflag.FlagSet) (use scenario.Scenario, err error) {
	o := &m.options
	if o.Targets, err = measure.ParseTargets(m.urls); err != nil {
		return use, err
	}
	if err := o.Network.Check(); err != nil {
		return use, err
	}
	for _, name := range slices.Sorted(maps.Keys(notWithURL)) {
		if len(m.urls) > 0 && flags.Changed(name) {
			return use, fmt.Errorf("--%s: the server at --url %s", name, notWithURL[name])
		}
	}
	if m.csv && m.asJSON {
		return use, errors.New("--csv, --json: one of them")
	}
	if m.scenario != "" {
		for _, name := range []string{"rate", "payload", "interval", "clients", "http", "url"} {
			if flags.Changed(name) {
				return use, fmt.Errorf("--%s: the scenario says it", name)
			}
		}
		if use, err = scenario.Find(m.scenario); err != nil {
			return use, err
		}
		*o = o.With(use)
	}
	return use, o.Check()
}

// measureServerCommand is what measure starts as its server. It ends when stdin does. A Ctrl-C in the terminal reaches
// it too; it goes on, since its parent is not done yet.
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
