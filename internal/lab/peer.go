package lab

import (
	"context"
	"net"
	"net/http"

	"golang.org/x/time/rate"
)

// A peer is a connection and the limiter of its publishes. The context of each of its requests has it.
type peer struct {
	conn      net.Conn
	publishes *rate.Limiter
}

type peerKey struct{}

// peerOf returns the peer whose request it is.
func peerOf(r *http.Request) *peer { return r.Context().Value(peerKey{}).(*peer) }

// withPeer is an http.Server's ConnContext: it adds a new connection's peer to its context.
func (m Limits) withPeer(ctx context.Context, conn net.Conn) context.Context {
	limit := rate.Limit(m.Publishes)
	if m.Publishes == 0 {
		limit = rate.Inf
	}
	burst := max(1, int(m.Publishes)) // a second's worth
	return context.WithValue(ctx, peerKey{}, &peer{conn, rate.NewLimiter(limit, burst)})
}
