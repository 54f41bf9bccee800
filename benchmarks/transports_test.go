package benchmarks

import (
	"testing"

	"fourwires/internal/lab"
	"fourwires/internal/lab/labtest"
)

// transports are what is compared: the four, and the limit.
var transports = append(transportNames(), "tcp")

// transportNames returns the names of the four, in their order.
func transportNames() (names []string) {
	for _, t := range lab.Transports {
		names = append(names, t.Name)
	}
	return names
}

// versions returns the versions of HTTP that the client of a transport speaks.
func versions(t lab.Transport) []int {
	if t.HTTP2 {
		return []int{1, 2}
	}
	return []int{1}
}

// upstreamKinds are how a message goes upstream: by POST or in a WebSocket's frame, by a version of HTTP.
var upstreamKinds = []struct {
	name string
	http int
}{{"post", 1}, {"post", 2}, {"websocket", 1}}

// open starts a lab in this process whose feed has no source, until the benchmark ends or the server is closed. The
// address is that of its lanes, over TLS or not.
func open(b *testing.B, settings lab.Settings, tls bool) (s *labtest.Server, addr string) {
	b.Helper()
	settings.Source = labtest.Quiet(0).Source
	s = labtest.Start(b, settings)
	if tls {
		return s, s.TLS
	}
	return s, s.Lanes
}
