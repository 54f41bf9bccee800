package lab_test

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/lab/labtest"
	"fourwires/internal/netsim"
	"fourwires/internal/source"

	"go.uber.org/goleak"
)

// Tests that run side by side mostly wait, so eight of them do at once.
func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		flag.Set("test.parallel", "8")
	}
	goleak.VerifyTestMain(m)
}

// inMemory runs a lab in memory, for the virtual time of a synctest bubble. Its
// address is http://localhost.
func inMemory(t *testing.T, settings lab.Settings) (*labtest.Server, *netsim.Memory) {
	t.Helper()
	network := netsim.Listen()
	return labtest.StartOn(t, settings, lab.Listeners{Lanes: network, Control: netsim.Listen()}), network
}

// networks are those of a lab in memory that has all three addresses.
type networks struct{ lanes, tls, control *netsim.Memory }

// inMemoryTLS runs a lab in memory that speaks TLS too, at https://localhost.
func inMemoryTLS(t *testing.T, settings lab.Settings) (*labtest.Server, networks) {
	t.Helper()
	n := networks{netsim.Listen(), netsim.Listen(), netsim.Listen()}
	return labtest.StartOn(t, settings, lab.Listeners{Lanes: n.lanes, TLS: n.tls, Control: n.control}), n
}

// dialTLS returns a dialer whose connections speak TLS for a version of HTTP, whoever vouches for it.
func (n networks) dialTLS(version int) lab.Dial {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := n.tls.Dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		protocol := map[int]string{1: "http/1.1", 2: "h2"}[version]
		secured := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}})
		if err := secured.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, err
		}
		return secured, nil
	}
}

// metric returns what the control address says of one metric, "" where it has
// none of this name.
func (n networks) metric(t *testing.T, name string) string {
	t.Helper()
	transport := &http.Transport{DialContext: n.control.Dial, DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: transport}).Get("http://localhost/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, name+" "); found {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// onLoopback runs a lab on real sockets and returns the URLs of its addresses.
func onLoopback(t *testing.T, settings lab.Settings) (l *labtest.Server, lanes, control string) {
	t.Helper()
	l = labtest.Start(t, settings)
	return l, "http://" + l.Lanes, "http://" + l.Control
}

// publish publishes the numbers from … to.
func publish(t *testing.T, f *feed.Feed, from, to int) {
	t.Helper()
	for n := from; n <= to; n++ {
		if _, err := f.Publish(fmt.Append(nil, n)); err != nil {
			t.Error(err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for keep, want := range map[int]string{
		0:             "keep 0: a feed keeps 1 to 4096 messages",
		feed.Keep + 1: "keep 4097: a feed keeps 1 to 4096 messages",
	} {
		if _, err := lab.New(labtest.Quiet(keep)); err == nil || err.Error() != want {
			t.Errorf("keep %d: %v, want %s", keep, err, want)
		}
	}
	bad := source.Default()
	bad.Rate = -time.Second.Seconds()
	if _, err := lab.New(lab.Settings{Keep: 1, Source: bad}); err == nil {
		t.Error("a negative rate is taken")
	}
}

// A lab whose listener fails ends, and says why.
func TestServeFails(t *testing.T) {
	lanes, control := netsim.Listen(), netsim.Listen()
	lanes.Close()
	l, err := lab.New(lab.Settings{Keep: 1, Source: source.Default()})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Serve(t.Context(), lab.Listeners{Lanes: lanes, Control: control}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve: %v, want the listener's error", err)
	}
}

// A request whose connection the end of the lab met between its head and its handler is not begun: when Serve has
// returned, no handler runs.
func TestNoHandlerAfterServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		settings := labtest.Quiet(feed.Keep)
		requests := new(logged)
		settings.Log = slog.New(slog.NewTextHandler(requests, &slog.HandlerOptions{Level: slog.LevelDebug}))
		network := netsim.Listen()
		held := &heldListener{network, make(chan struct{}), make(chan struct{})}
		l := labtest.StartOn(t, settings, lab.Listeners{Lanes: netsim.Listen(), Control: held})
		conn, err := network.Dial(t.Context(), "tcp", "localhost")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "GET /control/feed HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		<-held.held
		l.Close()
		close(held.may)
		synctest.Wait()
		if text := requests.String(); strings.Contains(text, "/control/feed") {
			t.Errorf("after Serve has returned, a handler runs: %s", text)
		}
	})
}

// A heldListener holds its connections when they are told for the second time that a read may take as long as it
// likes: net/http does so behind a request's head, and again just before its handler.
type heldListener struct {
	net.Listener
	held, may chan struct{}
}

func (h *heldListener) Accept() (net.Conn, error) {
	conn, err := h.Listener.Accept()
	return &heldConn{Conn: conn, held: h.held, may: h.may}, err
}

type heldConn struct {
	net.Conn
	held, may chan struct{}
	unbounded int
}

func (c *heldConn) SetReadDeadline(t time.Time) error {
	if t.IsZero() {
		if c.unbounded++; c.unbounded == 2 {
			close(c.held)
			<-c.may
		}
	}
	return c.Conn.SetReadDeadline(t)
}

// logged is what a lab logged.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
