package labtest_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"fourwires/internal/lab/labtest"
	"fourwires/internal/netsim"
)

// A lab that was started answers at each of its three addresses, and after Close at none.
func TestStart(t *testing.T) {
	s := labtest.Start(t, labtest.Quiet(1))
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	client := &http.Client{Transport: transport}
	for _, url := range []string{"http://" + s.Lanes, "https://" + s.TLS, "http://" + s.Control} {
		resp, err := client.Get(url + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s answers %s", url, resp.Status)
		}
	}
	s.Close()
	s.Close()
	for _, addr := range []string{s.Lanes, s.TLS, s.Control} {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			t.Errorf("after Close, %s accepts a connection", addr)
		}
	}
}

// In virtual time a new connection and its first answer take two round trips of the network, to the nanosecond; on the
// control address they take no time.
func TestVirtual(t *testing.T) {
	network := netsim.Settings{RTT: 100 * time.Millisecond}
	labtest.Virtual(t, labtest.Quiet(1), network, func(t *testing.T, s *labtest.VirtualServer) {
		for _, test := range []struct {
			url       string
			transport *http.Transport
			want      time.Duration
		}{
			{"http://localhost/healthz", &http.Transport{DialContext: s.Dial}, 200 * time.Millisecond},
			{"http://localhost/healthz", &http.Transport{DialContext: s.DialControl}, 0},
			{"https://localhost/healthz", &http.Transport{
				DialContext:     s.DialTLS,
				TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
			}, 300 * time.Millisecond}, // the handshake of TLS 1.3 takes one more
		} {
			start := time.Now()
			resp, err := (&http.Client{Transport: test.transport}).Get(test.url)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if took := time.Since(start); took != test.want {
				t.Errorf("%s takes %v, want %v", test.url, took, test.want)
			}
			test.transport.CloseIdleConnections()
		}
	})
}
