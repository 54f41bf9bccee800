package wire_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fourwires/internal/lab"
	"fourwires/internal/needs"
	"fourwires/internal/wire"
)

// TestCapture serves labs on real sockets, one for each protocol, reads them over all four transports, captures the
// traffic, and compares what tshark finds in it with what the taps counted: the bytes of each connection, the length of
// each head, each chunk, each frame. Under TLS tshark sees the bytes, and no more.
func TestCapture(t *testing.T) {
	t.Parallel()
	const install = "apt-get install tshark"
	needs.Program(t, install, "dumpcap")
	needs.Program(t, install, "tshark")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	var labs []*tappedLab
	var ports []int
	for _, protocol := range protocols {
		on, err := lab.Loopback(false)
		if err != nil {
			t.Fatal(err)
		}
		port := on.Lanes.Addr().(*net.TCPAddr).Port
		labs = append(labs, &tappedLab{
			Listener: on.Lanes, control: on.Control, port: port, protocol: protocol, byClient: map[int]*connection{},
		})
		ports = append(ports, port)
	}
	capture := startCapture(ctx, t, ports)
	t.Run("converse", func(t *testing.T) {
		for _, l := range labs {
			t.Run(l.String(), func(t *testing.T) {
				t.Parallel()
				l.converse(ctx, t)
			})
		}
	})
	file := t.TempDir() + "/run.pcap"
	if err := os.WriteFile(file, capture.stop(ctx), 0o666); err != nil {
		t.Fatal(err)
	}
	streams := askTshark(ctx, t, file, ports)
	for _, l := range labs {
		t.Run(l.String(), func(t *testing.T) { l.compare(t, streams[l.port]) })
	}
	if t.Failed() {
		t.Logf("dumpcap: %s", capture.stderr.String())
	}
}

// compare compares the connections of a lab with the streams that tshark found, by the port of the client.
func (l *tappedLab) compare(t *testing.T, streams map[int]*[2]stream) {
	// Each direction counts at its sender (a peer may close with bytes unread); but nothing was cut off in this run, so
	// the receiver has the same.
	var sums [2]int64
	var heads, chunks, frames, frames2 int
	for _, client := range slices.Sorted(maps.Keys(l.byClient)) {
		c := l.byClient[client]
		if streams[client] == nil {
			t.Errorf("%s: not captured", c.name)
			continue
		}
		for dir := wire.Up; dir <= wire.Down; dir++ {
			theirs := streams[client][dir]
			sums[dir] += int64(len(theirs.payload))
			l.compareBytes(t, c, dir, int64(len(theirs.payload)))
			if l.tls {
				continue // tshark sees nothing else
			}
			l.compareStream(t, c, dir, theirs)
			heads, chunks = heads+len(theirs.heads), chunks+len(theirs.chunks)
			frames, frames2 = frames+len(theirs.frames), frames2+len(theirs.frames2)
		}
	}
	if len(streams) != len(l.byClient) {
		t.Errorf("tshark has %d connections, the test opened %d", len(streams), len(l.byClient))
	}
	socket, parts, unaccounted := totals(l.ledger)
	if !l.tls && !l.http2 && (socket != sums || parts != sums || unaccounted != [2]int64{}) {
		t.Errorf("tshark has %d bytes up and down; in the ledger sockets have %d, parts %d, unaccounted %d",
			sums, socket, parts, unaccounted)
	}
	t.Logf("%d connections, %d bytes up and down, %d heads, %d chunks, %d frames, %d frames of HTTP/2",
		len(streams), sums, heads, chunks, frames, frames2)
	if !l.tls {
		l.covers(t, streams)
	}
}

// compareBytes compares the number of bytes in one direction of a connection with the ledgers of both ends.
func (l *tappedLab) compareBytes(t *testing.T, c *connection, dir wire.Dir, n int64) {
	t.Helper()
	for end, ledger := range map[wire.Dir]*wire.Ledger{wire.Up: &c.client, wire.Down: &c.server} {
		if (l.tls || l.http2) && end != dir {
			continue // the end that closes does not read the other's last frames
		}
		socket, parts, unaccounted := totals(ledger)
		if socket[dir] != n || parts[dir] != n || unaccounted[dir] != 0 {
			t.Errorf("%s, %s: tshark has %d bytes; at the end that sends %s the socket has %d, the parts %d, "+
				"unaccounted %d", c.name, dir, n, end, socket[dir], parts[dir], unaccounted[dir])
		}
	}
}

// compareStream compares the heads, chunks and frames of one direction of a connection with the client's spans.
func (l *tappedLab) compareStream(t *testing.T, c *connection, dir wire.Dir, theirs stream) {
	t.Helper()
	name, ours := fmt.Sprintf("%s, %s", c.name, dir), c.stream(t, dir)
	if l.http2 && dir == wire.Down && bytes.HasPrefix(theirs.payload, ours.payload) {
		// The client has closed before it read the last frames.
		theirs.payload = theirs.payload[:len(ours.payload)]
		theirs.frames2 = theirs.frames2[:min(len(ours.frames2), len(theirs.frames2))]
	}
	if !bytes.Equal(ours.payload, theirs.payload) {
		t.Errorf("%s: the spans are not the bytes of the capture", name)
	}
	compare(t, name+": frames of HTTP/2", theirs.frames2, ours.frames2)
	compare(t, name+": length of the heads", theirs.heads, ours.heads)
	compare(t, name+": sizes of the chunks", theirs.chunks, ours.chunks)
	compare(t, name+": frames", theirs.frames, ours.frames)
	t.Logf("%s: %d bytes, %d heads, %d chunks, %d frames, %d frames of HTTP/2", name,
		len(theirs.payload), len(theirs.heads), len(theirs.chunks), len(theirs.frames), len(theirs.frames2))
}

// A capture is a dumpcap that writes what crosses the loopback interface.
type capture struct {
	t      *testing.T
	probe  net.PacketConn // the packets that it sends to itself are captured too
	done   chan struct{}  // closed when dumpcap has ended
	end    func() error   // asks dumpcap to end
	stderr bytes.Buffer   // of dumpcap, complete once it has ended

	mu   sync.Mutex
	file bytes.Buffer
}

// startCapture starts to capture the traffic of TCP on these ports, and returns when dumpcap captures it.
func startCapture(ctx context.Context, t *testing.T, ports []int) *capture {
	t.Helper()
	probe, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { probe.Close() })
	filter := fmt.Sprintf("udp port %d", probe.LocalAddr().(*net.UDPAddr).Port)
	for _, port := range ports {
		filter += fmt.Sprintf(" or tcp port %d", port)
	}
	c := &capture{t: t, probe: probe, done: make(chan struct{})}
	ctx, kill := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, "dumpcap", "-i", loopback(t), "-f", filter, "-s", "0", "-B", "16", "-P", "-w", "-")
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = c, &c.stderr, time.Second
	if err := cmd.Start(); err != nil {
		kill()
		t.Fatal(err)
	}
	c.end = func() error { return cmd.Process.Signal(os.Interrupt) }
	go func() {
		defer close(c.done)
		cmd.Wait() // an error shows in what it has captured
	}()
	t.Cleanup(func() {
		kill()
		<-c.done
	})
	if !c.sees(ctx, "the capture begins") {
		needs.Missing(t, "dumpcap cannot capture: "+strings.TrimSpace(c.stderr.String()),
			`run the tests as root, or run setcap cap_net_raw,cap_net_admin+ep "$(command -v dumpcap)" once`)
	}
	return c
}

func (c *capture) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.file.Write(b)
}

// sees sends a mark until it has been captured, and with it everything that was received before. It returns false if
// dumpcap ends.
func (c *capture) sees(ctx context.Context, mark string) bool {
	c.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := c.probe.WriteTo([]byte(mark), c.probe.LocalAddr()); err != nil {
			c.t.Fatal(err)
		}
		select {
		case <-tick.C:
		case <-c.done:
			if ctx.Err() == nil {
				return false
			}
			c.t.Fatalf("waiting for dumpcap to see that %s: %v", mark, ctx.Err())
		}
		c.mu.Lock()
		seen := bytes.Contains(c.file.Bytes(), []byte(mark))
		c.mu.Unlock()
		if seen {
			return true
		}
	}
}

// stop ends dumpcap and returns the whole file.
func (c *capture) stop(ctx context.Context) []byte {
	c.t.Helper()
	if !c.sees(ctx, "the run is over") {
		c.t.Fatalf("dumpcap ended: %s", c.stderr.String())
	}
	if err := c.end(); err != nil {
		c.t.Fatal(err)
	}
	<-c.done
	return c.file.Bytes()
}

func loopback(t *testing.T) string {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Flags&net.FlagLoopback != 0 {
			return i.Name
		}
	}
	t.Fatal("there is no loopback interface")
	return ""
}
