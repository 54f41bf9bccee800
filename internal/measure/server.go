package measure

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/netsim"
	"fourwires/internal/source"
)

// Serve is the process of the server: a lab on free ports of the loopback,
// whose feed has no source. It says the address of its lanes, and that of its
// lanes over TLS, and then does what each line of stdin asks, until stdin ends, which it does when the parent
// does.
//
//	publish START SEED N NS PAYLOAD BURST GAP
//	                                  publishes N messages, each with PAYLOAD
//	                                  bytes of data, at instants drawn over NS
//	                                  from START of the monotonic clock on
//	                                  (0: now), in bursts, GAP ns apart; no answer
//	network RTT JITTER KBPS           puts this network before the lanes, times in
//	                                  ns; no answer
//	stop                              publishes no more, and answers with the
//	                                  newest id and the CPU time used so far
func Serve(stdin io.Reader, stdout io.Writer) error {
	limits := lab.DefaultLimits()
	limits.Publishes = 0 // any number
	l, err := lab.New(lab.Settings{Keep: feed.Keep, Source: source.Settings{Source: source.None, Rate: 1, Phase: source.Poisson}, Limits: limits, Untapped: true})
	if err != nil {
		return err
	}
	on, err := lab.Loopback(true)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { err = l.Serve(ctx, on) })
	fmt.Fprintln(stdout, on.Lanes.Addr(), on.TLS.Addr())

	var publishing sync.WaitGroup
	var fault error
	quit := func() {}
	var wrong error // of a command, which ends it
	commands := bufio.NewScanner(stdin)
	for wrong == nil && commands.Scan() {
		command, rest, _ := strings.Cut(commands.Text(), " ")
		switch command {
		case "publish":
			var start, over int64
			var seed uint64
			var n, payload int
			var o Options
			if _, wrong = fmt.Sscan(rest, &start, &seed, &n, &over, &payload, &o.Burst, (*int64)(&o.Apart)); wrong != nil {
				break
			}
			if start == 0 {
				start = monotonic()
			}
			publishing.Wait()
			var asked context.Context
			asked, quit = context.WithCancel(ctx)
			publishing.Go(func() {
				if err := publish(asked, l.Feed, start, o.schedule(seed, n, time.Duration(over)), data(payload)); err != nil && asked.Err() == nil {
					fault = err
					end()
				}
			})
		case "network":
			var s netsim.Settings
			if _, wrong = fmt.Sscan(rest, (*int64)(&s.RTT), (*int64)(&s.Jitter), &s.Kbps); wrong == nil {
				wrong = l.Network.Set(s)
			}
		case "stop":
			quit()
			publishing.Wait()
			fmt.Fprintln(stdout, l.Feed.Head().ID, cpuTime())
		default:
			wrong = errors.New("must be one of publish, network, stop")
		}
		if wrong != nil {
			wrong = fmt.Errorf("the command %q: %w", commands.Text(), wrong)
		}
	}
	quit()
	end()
	publishing.Wait()
	serving.Wait()
	return errors.Join(wrong, fault, err)
}

// A server is the server's process as seen from here.
type server struct {
	plain, tls string // addresses of its lanes

	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr bytes.Buffer
}

// errInterrupted says that Ctrl-C came, which a terminal sends to both processes,
// before this one minded its signals. We may yet have to hear of it.
var errInterrupted = errors.New("interrupted")

// start starts the process. The caller has to close it.
func start(ctx context.Context, command []string) (*server, error) {
	s := &server{cmd: exec.Command(command[0], command[1:]...)}
	s.cmd.Stderr = &s.stderr
	var err error
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.out = bufio.NewReader(out)
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("the server's process does not start: %w", err)
	}
	if err := s.answer(ctx, &s.plain, &s.tls); err != nil {
		s.close(ctx)
		if status, ok := s.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGINT {
			return nil, errInterrupted
		}
		return nil, fmt.Errorf("%w: %s", err, s.stderr.String())
	}
	return s, nil
}

// limit kills the process unless it is done in time, of which it has less once ctx has
// ended. The caller has to say that it is.
func (s *server) limit(ctx context.Context) (done func()) {
	end := make(chan struct{})
	go func() {
		select {
		case <-end:
			return
		case <-time.After(patience):
		case <-ctx.Done():
			select {
			case <-end:
				return
			case <-time.After(parting):
			}
		}
		s.cmd.Process.Kill()
	}()
	return func() { close(end) }
}

// answer reads what the process says. One that does not say it in time is
// killed.
func (s *server) answer(ctx context.Context, into ...any) error {
	defer s.limit(ctx)()
	line, err := s.out.ReadString('\n')
	if err == nil {
		_, err = fmt.Sscan(line, into...)
	}
	if err != nil {
		return errors.New("the server's process has ended")
	}
	return nil
}

// network has the process put a network before its lanes.
func (s *server) network(n netsim.Settings) error {
	if _, err := fmt.Fprintln(s.in, "network", int64(n.RTT), int64(n.Jitter), n.Kbps); err != nil {
		return errors.New("the server's process has ended")
	}
	return nil
}

// publish has the process publish n messages over a time, and does not wait.
func (s *server) publish(start int64, seed uint64, n int, over time.Duration, o Options) error {
	_, err := fmt.Fprintln(s.in, "publish", start, seed, n, int64(over), o.Payload, o.Burst, int64(o.Apart))
	if err != nil {
		return errors.New("the server's process has ended")
	}
	return nil
}

// stop ends the publishing and returns the newest id, and the CPU time that the
// process has used.
func (s *server) stop(ctx context.Context) (head uint64, cpu time.Duration, err error) {
	if _, err := fmt.Fprintln(s.in, "stop"); err != nil {
		return 0, 0, errors.New("the server's process has ended")
	}
	err = s.answer(ctx, &head, &cpu)
	return head, cpu, err
}

// close ends the process.
func (s *server) close(ctx context.Context) {
	s.in.Close()
	defer s.limit(ctx)()
	s.cmd.Wait()
}
