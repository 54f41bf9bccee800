// Package protocol sets what clients speak below their transport: HTTP/1.1 or HTTP/2, with TLS or without, and with
// which headers. A client that dials by [Settings.Dialer] needs to know nothing of it, and its bytes are counted.
//
// Chromium's headers were recorded from a Chromium; [Headers] says how, and testdata has them. They go over the wire as
// it sent them, in its order and letter case, and on HTTP/2 in its encoding.
package protocol

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"fourwires/internal/wire"
)

// Dial opens a connection, as net.Dialer's DialContext does.
type Dial = func(ctx context.Context, network, addr string) (net.Conn, error)

// Settings are the protocols that clients speak below their transport, and their headers.
type Settings struct {
	HTTP    int  // version, 1 (HTTP/1.1) or 2
	TLS     bool // with "https://" URLs
	Headers Headers

	Insecure bool // trust any certificate of a server
	Dial     Dial // opens the connections; nil: net.Dialer's DialContext
}

// Check returns nil for valid settings, and otherwise one sentence on the first fault.
func (s Settings) Check() error {
	if s.HTTP != 1 && s.HTTP != 2 {
		return fmt.Errorf("http %d: must be 1 or 2", s.HTTP)
	}
	return s.Headers.check()
}

// Version returns the version of HTTP that a client speaks, 1 or 2; http2 reports whether it can speak HTTP/2.
func (s Settings) Version(http2 bool) int {
	if !http2 {
		return 1
	}
	return s.HTTP
}

// Scheme returns "http" or "https".
func (s Settings) Scheme() string {
	if s.TLS {
		return "https"
	}
	return "http"
}

// Dialer returns a function that opens connections for a client that speaks this version of HTTP. The ledger counts
// their bytes. Unless spans is nil, it is called with each span, as by [wire.Ledger.Tap].
func (s Settings) Dialer(version int, ledger *wire.Ledger, spans func(wire.Span)) Dial {
	dial := s.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	if s.TLS {
		dial = ledger.TapTLS(dial, s.tlsConfig(version), spans)
	} else {
		dial = ledger.Tap(dial, spans)
	}
	return s.Headers.rewrite(s.Scheme(), version == 2, dial)
}

// tlsConfig has a client negotiate this version of HTTP, and no other.
func (s Settings) tlsConfig(version int) *tls.Config {
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
