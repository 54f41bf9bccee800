package lab_test

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
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

// metric returns the value of a metric at the control address, "" if it has none of this name.
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
