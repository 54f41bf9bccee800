package listener

import (
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/internal/netsim"
)

const (
	heartbeat = 5 * time.Second
	patience  = 10 * time.Second
)

// follow sends twelve heartbeats to a listener, does something to the connection,
// and returns how many lines came, and how long after that the listener left; 0: not
// within an hour.
func follow(t *testing.T, then func(server *netsim.Conn)) (lines int, left time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		var network netsim.Network
		if err := network.Set(netsim.Settings{RTT: 100 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
		memory := network.Memory()
		accepted := make(chan *netsim.Conn, 1)
		go func() {
			conn, _ := memory.Accept()
			accepted <- conn.(*netsim.Conn)
		}()
		stream, err := memory.Dial(t.Context(), "tcp", "lab")
		if err != nil {
			t.Fatal(err)
		}
		server := <-accepted
		done := make(chan struct{})
		go func() {
			listen(stream, patience, func(string) { lines++ })
			close(done)
		}()
		for range 12 {
			time.Sleep(heartbeat) // virtual
			io.WriteString(server, ":\n")
		}
		time.Sleep(time.Second) // it has come
		begun := time.Now()
		then(server)
		select {
		case <-done:
			left = time.Since(begun)
		case <-time.After(time.Hour): // virtual
		}
		network.Clear()
		server.Close()
		<-done
		stream.Close()
		time.Sleep(time.Minute)
	})
	return lines, left
}

func TestListen(t *testing.T) {
	for _, test := range []struct {
		name  string
		then  func(server *netsim.Conn)
		lines int
		left  time.Duration // at the latest
	}{
		{"the stream ends", func(server *netsim.Conn) { server.Close() }, 12, time.Second},
		{"silence", func(server *netsim.Conn) {
			if err := server.Cut(netsim.Silence, time.Hour); err != nil {
				t.Error(err)
			}
			io.WriteString(server, ":\n")
		}, 12, patience},
	} {
		lines, left := follow(t, test.then)
		if lines != test.lines || left == 0 || left > test.left {
			said := fmt.Sprintf("left after %v", left)
			if left == 0 {
				said = "did not leave within an hour"
			}
			t.Errorf("%s: %d lines came, and it %s; want %d, and within %v", test.name, lines, said, test.lines, test.left)
		}
	}
}
