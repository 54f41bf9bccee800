package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/netsim"
	"fourwires/internal/source"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A serving is what "lab serve" is asked for.
type serving struct {
	addresses
	settings  lab.Settings
	url, file string  // of the relay's stream, and of the replay
	speed     float64 // of the replay
	verbose   bool
}

func serveCommand() *cobra.Command {
	s := &serving{settings: lab.Settings{Source: source.Default(), Limits: lab.DefaultLimits()}}
	command := &cobra.Command{
		Use:   "serve",
		Short: "Serve the feed and its page (the default)",
		Example: `  lab                                       # readings of this machine, twice a second
  lab serve --source market --rate 200      # a busy market
  ping localhost | lab serve --source stdin # each line a message
  lab serve --source none                   # only what you publish:
  curl -d '"hello"' http://127.0.0.1:8080/publish
  lab serve --addr 0.0.0.0:8080             # for other machines too; HTTP/2 at https://THIS-MACHINE:8443/`,
		Args: alone,
		RunE: func(cmd *cobra.Command, args []string) error { return s.run(cmd) },
	}
	s.addFlags(command.Flags())
	return command
}

// addFlags adds the flags, in the order in which --help lists them.
func (s *serving) addFlags(flags *pflag.FlagSet) {
	flags.SortFlags = false
	flags.StringVar(&s.lanes, "addr", "127.0.0.1:8080", "`address` of the four lanes and the page")
	flags.BoolVar(&s.withTLS, "tls", true,
		"serve them over TLS too, with HTTP/2 for clients that ask for it, and a self-signed certificate")
	flags.StringVar(&s.secured, "tls-addr", "",
		"`address` of the lanes and the page over TLS; not given: --addr's host, port 8443")
	flags.StringVar(&s.control, "control", "127.0.0.1:8081", "`address` of the control API")

	from := &s.settings.Source
	flags.StringVar(&from.Source, "source", from.Source,
		"what is published: `name` is "+strings.Join(source.Sources(), ", "))
	flags.StringVar(&s.url, "url", "", "`address` of the stream of Server-Sent Events that relay publishes")
	flags.StringVar(&s.file, "file", "", "`file` that replay publishes: messages, one a line")
	flags.Float64Var(&s.speed, "speed", 1,
		fmt.Sprintf("how much faster than recorded replay is, at most %d", source.MaxSpeed))
	flags.Float64Var(&from.Rate, "rate", from.Rate,
		fmt.Sprintf("messages a second; host at most %d, market at most %d", source.MaxHostRate, source.MaxRate))
	flags.StringVar(&from.Phase, "phase", from.Phase,
		"instants of messages: `name` is "+strings.Join(source.Phases(), ", "))
	flags.IntVar(&from.Payload, "payload", from.Payload, "pad a message's data to this many `bytes`; 0 does not")
	flags.Uint64Var(&from.Seed, "seed", from.Seed, "seed of the market; the same seed gives the same data")
	flags.IntVar(&s.settings.Keep, "keep", feed.Keep,
		fmt.Sprintf("messages that the feed remembers, at most %d", feed.Keep))

	limits := &s.settings.Limits
	flags.IntVar(&limits.Clients, "max-clients", limits.Clients,
		"`requests` on the lanes at once, streams among them; beyond: 503")
	flags.IntVar(&limits.Requests, "max-requests", limits.Requests,
		"other `requests` at once; beyond, who waits longest for its client makes room")
	flags.IntVar(&limits.Pages, "max-pages", limits.Pages, "`pages` whose bytes the ledger keeps apart")
	flags.Float64Var(&limits.Publishes, "max-publishes", limits.Publishes,
		"publishes a second and connection; 0: any `rate`; beyond: 429")
	flags.IntVar(&limits.Message, "max-message", limits.Message,
		"`bytes` that a client may publish as one message; beyond: 413")
	flags.IntVar(&limits.Header, "max-header", limits.Header, "`bytes` of a request's head; beyond: 431")
	flags.DurationVar(&limits.HeaderTime, "header-time", limits.HeaderTime, "`time` for a request's head to arrive")
	flags.DurationVar(&limits.BodyTime, "body-time", limits.BodyTime, "`time` for its body to arrive")
	flags.StringSliceVar(&s.settings.Origins, "allow-origin", nil,
		"let pages of this `origin` read and publish too, such as http://localhost:3000")

	networkFlags(flags, &s.settings.Network)
	flags.BoolVar(&s.settings.Gzip, "gzip", false, "compress event streams for clients that accept it")
	flags.BoolVar(&s.settings.Deflate, "deflate", false, "compress WebSockets' messages for clients that offer it")
	flags.BoolVar(&s.settings.Profiles, "pprof", false, "serve /debug/pprof on the control address")
	flags.BoolVarP(&s.verbose, "verbose", "v", false, "log every request")
}

// networkFlags adds the flags of a network.
func networkFlags(flags *pflag.FlagSet, s *netsim.Settings) {
	flags.DurationVar(&s.RTT, "rtt", 0,
		"round-trip `time` of the network between the lanes and their clients, at most 1m")
	flags.DurationVar(&s.Jitter, "jitter", 0, "`time` that a write takes longer at most, at random")
	flags.Float64Var(&s.Kbps, "kbps", 0, "kbit/s of a connection in each direction; 0: any")
}

// run serves a lab until the command's context ends. A lab that is asked to restart has a successor, at the same
// addresses.
func (s *serving) run(cmd *cobra.Command) error {
	level := slog.LevelInfo
	if s.verbose {
		level = slog.LevelDebug
	}
	s.settings.Log = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
	var err error
	if s.settings.Inputs, err = s.inputs(cmd.InOrStdin()); err != nil {
		return err
	}
	if err := s.settings.Network.Check(); err != nil {
		return err
	}
	l, err := lab.New(s.settings)
	if err != nil {
		return err
	}
	s.mayLackTLS = !cmd.Flags().Changed("tls") && !cmd.Flags().Changed("tls-addr")
	if err := s.check(cmd.Context(), cmd.ErrOrStderr()); err != nil {
		return err
	}
	on, err := s.listen(cmd.Context())
	if err != nil {
		return failure{err}
	}
	s.announce(cmd.OutOrStdout(), on)
	for err = l.Serve(cmd.Context(), on); errors.Is(err, lab.ErrRestart); err = l.Serve(cmd.Context(), on) {
		s.keep(on)
		if l, err = l.Successor(); err != nil {
			break
		}
		if on, err = s.listen(cmd.Context()); err != nil {
			break
		}
	}
	if err != nil {
		return failure{err}
	}
	return nil
}

// inputs returns the inputs that the flags ask for. The control API can choose one later whose flag was given; stdin it
// cannot, since a terminal does not expect that somebody reads from it.
func (s *serving) inputs(stdin io.Reader) (list []source.Input, err error) {
	name, log := s.settings.Source.Source, s.settings.Log
	if name == source.Relay && s.url == "" {
		return nil, errors.New("--source relay: --url says which stream")
	}
	if name == source.Replay && s.file == "" {
		return nil, errors.New("--source replay: --file says which file")
	}
	if name == source.Stdin {
		list = append(list, source.NewStdin(stdin, log))
	}
	if s.url != "" {
		relay, err := source.NewRelay(s.url, log)
		if err != nil {
			return nil, err
		}
		list = append(list, relay)
	}
	if s.file != "" {
		replay, err := source.NewReplay(s.file, s.speed, log)
		if err != nil {
			return nil, err
		}
		list = append(list, replay)
	}
	return list, nil
}
