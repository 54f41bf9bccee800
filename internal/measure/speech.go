package measure

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"fourwires/internal/wire"
)

// A Speech is what clients speak below their transport.
type Speech struct {
	HTTP  int  // version, 1 (HTTP/1.1) or 2
	TLS   bool // to a lab of our own; another's URL says it
	Heads Heads

	// Insecure has clients trust any server's certificate, as they do that of our own.
	Insecure bool

	dial Dial // opens connections; nil: net.Dialer's
}

// Check returns nil for what can be spoken, and otherwise one sentence on the first
// fault.
func (s Speech) Check() error {
	if s.HTTP != 1 && s.HTTP != 2 {
		return fmt.Errorf("http %d: must be 1 or 2", s.HTTP)
	}
	return s.Heads.check()
}

// Version returns the version of HTTP by which a transport's client speaks. A
// WebSocket opens its connection by HTTP/1.1 (golang/go#49918).
func (s Speech) Version(transport string) int {
	if transport == "websocket" {
		return 1
	}
	return s.HTTP
}

// Scheme returns http or https.
func (s Speech) Scheme() string {
	if s.TLS {
		return "https"
	}
	return "http"
}

// Dial returns a dialer for the client of a transport. The ledger counts what its
// connections carry, and tells spans, unless that is nil.
func (s Speech) Dial(transport string, ledger *wire.Ledger, spans func(wire.Span)) Dial {
	dial := s.dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	if s.TLS {
		dial = ledger.TapTLS(dial, s.config(s.Version(transport)), spans)
	} else {
		dial = ledger.Tap(dial, spans)
	}
	return s.Heads.Dial(s.Scheme(), s.Version(transport) == 2, dial)
}

// config has a client negotiate this version of HTTP, and no other.
func (s Speech) config(version int) *tls.Config {
	protocol := map[int]string{1: "http/1.1", 2: "h2"}[version]
	return &tls.Config{
		InsecureSkipVerify: s.Insecure,
		NextProtos:         []string{protocol},
		VerifyConnection: func(state tls.ConnectionState) error {
			if version == 2 && state.NegotiatedProtocol != protocol {
				return errors.New("the server does not speak HTTP/2")
			}
			return nil
		},
	}
}
