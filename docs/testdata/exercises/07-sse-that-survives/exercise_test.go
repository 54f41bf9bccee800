package stream

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/internal/netsim"
)

// open serves messages, one every ten seconds, to a client. It tells when serve
// has ended; the test has to clean up.
func open(t *testing.T, size int) (resp *http.Response, ended <-chan struct{}, clean func()) {
	network, done := netsim.Listen(), make(chan struct{})
	server := &http.Server{WriteTimeout: 30 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		messages := make(chan string)
		left := make(chan struct{})
		go func() {
			defer close(messages)
			for range 12 {
				select {
				case <-time.After(10 * time.Second): // virtual
				case <-left:
					return
				}
				select {
				case messages <- strings.Repeat("x", size):
				case <-left:
					return
				}
			}
		}()
		serve(w, messages)
		close(left)
		close(done)
	})}
	go server.Serve(network)
	transport := &http.Transport{DialContext: network.Dial}
	req, _ := http.NewRequestWithContext(t.Context(), "GET", "http://lab/", nil)
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp, done, func() {
		resp.Body.Close()
		server.Close()
		<-done
	}
}

func TestServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		resp, _, clean := open(t, 1)
		defer clean()
		got := 0
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			if lines.Text() == "data: x" {
				got++
			}
		}
		if got != 12 {
			t.Errorf("%d of 12 messages came", got)
		}
	})

	// A client that does not read must be let go.
	synctest.Test(t, func(t *testing.T) {
		_, ended, clean := open(t, 1<<20)
		defer clean()
		select {
		case <-ended:
		case <-time.After(time.Minute): // virtual
			t.Error("a client that does not read is not let go within a minute")
		}
	})
}
