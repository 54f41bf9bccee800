package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"syscall"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/netsim"
	"fourwires/internal/source"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func serveCommand() *cobra.Command {
	var addr, secured, control, url, file string
	var speed float64
	var withTLS, verbose bool
	settings := lab.Settings{Source: source.Default(), Limits: lab.DefaultLimits()}
	serve := &cobra.Command{
		Use:   "serve",
		Short: "Serve the feed and its page (the default)",
		Example: `  lab                                       # readings of this machine, twice a second
  lab serve --source market --rate 200      # a busy market
  ping localhost | lab serve --source stdin # each line a message
  lab serve --source none                   # only what you publish:
  curl -d '"hello"' http://127.0.0.1:8080/publish
  lab serve --tls                           # HTTP/2 for browsers: open https://127.0.0.1:8443/`,
		Args: alone,
	}
	flags := serve.Flags()
	flags.SortFlags = false
	flags.StringVar(&addr, "addr", "127.0.0.1:8080", "`address` of the four lanes and the page")
	flags.BoolVar(&withTLS, "tls", false, "serve them over TLS too, with HTTP/2 to who asks for it, and a self-signed certificate")
	flags.StringVar(&secured, "tls-addr", "127.0.0.1:8443", "`address` of the lanes and the page over TLS; it implies --tls")
	flags.StringVar(&control, "control", "127.0.0.1:8081", "`address` of the control API")
	flags.StringVar(&settings.Source.Source, "source", settings.Source.Source, "what is published: `name` is "+strings.Join(source.Sources(), ", "))
	flags.StringVar(&url, "url", "", "`address` of the stream of Server-Sent Events that relay publishes")
	flags.StringVar(&file, "file", "", "`file` that replay publishes: messages, one a line")
	flags.Float64Var(&speed, "speed", 1, fmt.Sprintf("how much faster than recorded replay is, at most %d", source.MaxSpeed))
	flags.Float64Var(&settings.Source.Rate, "rate", settings.Source.Rate,
		fmt.Sprintf("messages a second; host at most %d, market at most %d", source.MaxHostRate, source.MaxRate))
	flags.StringVar(&settings.Source.Phase, "phase", settings.Source.Phase, "instants of messages: `name` is "+strings.Join(source.Phases(), ", "))
	flags.IntVar(&settings.Source.Payload, "payload", settings.Source.Payload, "pad a message's data to this many `bytes`; 0 does not")
	flags.Uint64Var(&settings.Source.Seed, "seed", settings.Source.Seed, "seed of the market; the same seed gives the same data")
	flags.IntVar(&settings.Keep, "keep", feed.Keep, fmt.Sprintf("messages that the feed remembers, at most %d", feed.Keep))
	limits := &settings.Limits
	flags.IntVar(&limits.Clients, "max-clients", limits.Clients, "`requests` on the lanes at once, streams among them; beyond: 503")
	flags.IntVar(&limits.Requests, "max-requests", limits.Requests, "other `requests` at once; beyond, who waits longest for its client makes room")
	flags.IntVar(&limits.Pages, "max-pages", limits.Pages, "`pages` whose bytes the ledger keeps apart")
	flags.Float64Var(&limits.Publishes, "max-publishes", limits.Publishes, "publishes a second and connection; 0: any `rate`; beyond: 429")
	flags.IntVar(&limits.Message, "max-message", limits.Message, "`bytes` that a client may publish as one message; beyond: 413")
	flags.IntVar(&limits.Header, "max-header", limits.Header, "`bytes` of a request's head; beyond: 431")
	flags.DurationVar(&limits.HeaderTime, "header-time", limits.HeaderTime, "`time` for a request's head to arrive")
	flags.DurationVar(&limits.BodyTime, "body-time", limits.BodyTime, "`time` for its body to arrive")
	flags.StringSliceVar(&settings.Origins, "allow-origin", nil, "let pages of this `origin` read and publish too, such as http://localhost:3000")
	network := networkFlags(flags)
	flags.BoolVar(&settings.Gzip, "gzip", false, "compress event streams for clients that accept it")
	flags.BoolVar(&settings.Deflate, "deflate", false, "compress WebSockets' messages for clients that offer it")
	flags.BoolVar(&settings.Profiles, "pprof", false, "serve /debug/pprof on the control address")
	flags.BoolVarP(&verbose, "verbose", "v", false, "log every request")

	serve.RunE = func(cmd *cobra.Command, args []string) error {
		level := slog.LevelInfo
		if verbose {
			level = slog.LevelDebug
		}
		settings.Log = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
		var err error
		if settings.Inputs, err = inputs(cmd.InOrStdin(), settings.Source.Source, url, file, speed, settings.Log); err != nil {
			return err
		}
		if settings.Network, err = network(); err != nil {
			return err
		}
		l, err := lab.New(settings)
		if err != nil {
			return err
		}
		withTLS = withTLS || cmd.Flags().Changed("tls-addr")
		for _, given := range [][2]string{{"addr", addr}, {"tls-addr", secured}, {"control", control}} {
			_, name, err := net.SplitHostPort(given[1])
			port := 0
			if err == nil {
				port, err = net.DefaultResolver.LookupPort(cmd.Context(), "tcp", name)
			}
			if err != nil {
				return fmt.Errorf("--%s: %w", given[0], err)
			}
			if slices.Contains(badPorts, port) {
				fmt.Fprintf(cmd.ErrOrStderr(),
					"--%s %s: browsers ask for nothing at port %d (WHATWG Fetch, section 2.9); other programs do\n",
					given[0], given[1], port)
			}
		}
		on, err := listen(cmd.Context(), addr, secured, control, withTLS)
		if err != nil {
			return failure{err}
		}
		out := cmd.OutOrStdout()
		fmt.Fprintf(out, "The lab is open: http://%s/\n", callable(on.Lanes.Addr()))
		fmt.Fprintf(out, "Its control API:  http://%s/control/feed\n", callable(on.Control.Addr()))
		if withTLS {
			fmt.Fprintf(out, "Over TLS, HTTP/2: https://%s/ (self-signed: a browser warns once, curl wants -k)\n", callable(on.TLS.Addr()))
		}
		fmt.Fprintln(out, "Ctrl-C closes it.")
		// Asked to start again, it does so, at the addresses that it had.
		for err = l.Serve(cmd.Context(), on); errors.Is(err, lab.ErrRestart); err = l.Serve(cmd.Context(), on) {
			addr, control = on.Lanes.Addr().String(), on.Control.Addr().String()
			if withTLS {
				secured = on.TLS.Addr().String()
			}
			if l, err = l.Successor(); err != nil {
				break
			}
			if on, err = listen(cmd.Context(), addr, secured, control, withTLS); err != nil {
				break
			}
		}
		if err != nil {
			return failure{err}
		}
		return nil
	}
	return serve
}

// networkFlags adds the flags of a network, and returns what reads them.
func networkFlags(flags *pflag.FlagSet) func() (netsim.Settings, error) {
	var s netsim.Settings
	flags.DurationVar(&s.RTT, "rtt", 0, "round-trip `time` of the network between the lanes and their clients, at most 1m")
	flags.DurationVar(&s.Jitter, "jitter", 0, "`time` that a write takes longer at most, at random")
	flags.Float64Var(&s.Kbps, "kbps", 0, "kbit/s of a connection in each direction; 0: any")
	return func() (netsim.Settings, error) { return s, s.Check() }
}

// listen listens on the addresses of a lab, unless ctx ends while their names are looked
// up.
func listen(ctx context.Context, addr, secured, control string, withTLS bool) (on lab.Listeners, err error) {
	for _, l := range []struct {
		flag, addr string
		into       *net.Listener
		wanted     bool
	}{{"addr", addr, &on.Lanes, true}, {"tls-addr", secured, &on.TLS, withTLS}, {"control", control, &on.Control, true}} {
		if !l.wanted {
			continue
		}
		if *l.into, err = new(net.ListenConfig).Listen(ctx, "tcp", l.addr); err != nil {
			for _, open := range []net.Listener{on.Lanes, on.TLS} {
				if open != nil {
					open.Close()
				}
			}
			if errors.Is(err, syscall.EADDRINUSE) {
				err = fmt.Errorf("%w: end what listens there, another lab perhaps, or give --%s a free port", err, l.flag)
			}
			return on, fmt.Errorf("--%s: %w", l.flag, err)
		}
	}
	return on, nil
}

// callable returns the address by which a browser on this machine reaches one
// that is listened on, which may be all of them.
func callable(addr net.Addr) string {
	tcp := addr.(*net.TCPAddr)
	if tcp.IP.IsUnspecified() {
		return fmt.Sprintf("localhost:%d", tcp.Port)
	}
	return tcp.String()
}

// inputs returns the inputs that the flags ask for. The control API can choose
// one later whose flag was given; stdin it cannot, since reading that is not
// what a terminal expects.
func inputs(stdin io.Reader, name, url, file string, speed float64, log *slog.Logger) (list []source.Input, err error) {
	if name == source.Relay && url == "" {
		return nil, errors.New("--source relay: --url says which stream")
	}
	if name == source.Replay && file == "" {
		return nil, errors.New("--source replay: --file says which file")
	}
	if name == source.Stdin {
		list = append(list, source.NewStdin(stdin, log))
	}
	if url != "" {
		relay, err := source.NewRelay(url, log)
		if err != nil {
			return nil, err
		}
		list = append(list, relay)
	}
	if file != "" {
		replay, err := source.NewReplay(file, speed, log)
		if err != nil {
			return nil, err
		}
		list = append(list, replay)
	}
	return list, nil
}
