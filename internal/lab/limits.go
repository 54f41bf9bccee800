package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"fourwires/feed"

	"github.com/gin-gonic/gin"
	"golang.org/x/time/rate"
)

// Limits bound what clients can take from a lab.
type Limits struct {
	Clients    int           // requests on the four lanes at once, streams among them; the next is answered 503
	Requests   int           // other requests at once, on each address; see seats
	Pages      int           // pages whose bytes the ledger keeps apart; the one that was quiet the longest makes room
	Publishes  float64       // publishes a second and connection, 0: any; the next is answered 429, or close code 1008
	Message    int           // bytes of data a message may carry, at most feed.MaxData; more is answered 413, or 1009
	Header     int           // bytes of a request's head; more is answered 431
	HeaderTime time.Duration // for a request's head to arrive; then the connection is closed
	BodyTime   time.Duration // for its body; then 400
}

// DefaultLimits returns the limits of a lab that was given none.
func DefaultLimits() Limits {
	return Limits{
		Clients:    10_000,
		Requests:   1_000,
		Pages:      1_000,
		Publishes:  20,
		Message:    feed.MaxData,
		Header:     64 << 10,
		HeaderTime: 10 * time.Second,
		BodyTime:   10 * time.Second,
	}
}

// check returns one sentence on the first limit that is none.
func (m Limits) check() error {
	switch {
	case m.Clients < 1:
		return fmt.Errorf("max-clients %d: must be at least 1", m.Clients)
	case m.Requests < 1:
		return fmt.Errorf("max-requests %d: must be at least 1", m.Requests)
	case m.Pages < 1 || m.Pages > 100_000:
		return fmt.Errorf("max-pages %d: must be from 1 to 100000", m.Pages)
	case !(m.Publishes >= 0): // so written, NaN is refused too
		return fmt.Errorf("max-publishes %v: must be a number from 0", m.Publishes)
	case m.Message < 1 || m.Message > feed.MaxData:
		return fmt.Errorf("max-message %d: must be from 1 to %d bytes", m.Message, feed.MaxData)
	case m.Header < 1<<10 || m.Header > 1<<20:
		return fmt.Errorf("max-header %d: must be from %d to %d bytes", m.Header, 1<<10, 1<<20)
	case m.HeaderTime <= 0:
		return fmt.Errorf("header-time %v: must be above 0", m.HeaderTime)
	case m.BodyTime <= 0:
		return fmt.Errorf("body-time %v: must be above 0", m.BodyTime)
	}
	return nil
}

// A peer is what the lab knows of a connection. A request's context holds it.
type peer struct {
	conn      net.Conn
	publishes *rate.Limiter
}

type peerKey struct{}

func peerOf(r *http.Request) *peer { return r.Context().Value(peerKey{}).(*peer) }

// greet puts a peer into the context of a new connection.
func (m Limits) greet(ctx context.Context, conn net.Conn) context.Context {
	limit := rate.Limit(m.Publishes)
	if m.Publishes == 0 {
		limit = rate.Inf
	}
	burst := max(1, int(m.Publishes)) // a second's worth
	return context.WithValue(ctx, peerKey{}, &peer{conn, rate.NewLimiter(limit, burst)})
}

var errTooFast = errors.New("lab: too many messages a second on this connection")

// accept publishes what the client of a request sends, within the limits.
func (l *Lab) accept(r *http.Request, data []byte) (feed.Message, error) {
	switch {
	case !peerOf(r).publishes.Allow():
		return feed.Message{}, errTooFast
	case len(data) > l.settings.Limits.Message:
		return feed.Message{}, fmt.Errorf("%w: this lab takes %d", feed.ErrTooLarge, l.settings.Limits.Message)
	}
	return l.Feed.Publish(data)
}

// atMost refuses requests beyond so many at once.
func atMost(limit int, what string) gin.HandlerFunc {
	var now atomic.Int64
	return func(c *gin.Context) {
		defer now.Add(-1)
		if now.Add(1) > int64(limit) {
			full(c, limit, what)
			return
		}
		c.Next()
	}
}

func full(c *gin.Context, limit int, what string) {
	c.Header("Retry-After", "5")
	fail(c, http.StatusServiceUnavailable, fmt.Sprintf("this lab has its %d %s", limit, what))
}

// gone ends a request of HTTP/2 whose client has reset the stream before its turn came. By HTTP/1.1 a client whose
// context has ended may only have closed its half.
func gone(c *gin.Context) {
	if c.Request.ProtoMajor == 2 && c.Request.Context().Err() != nil {
		c.Abort()
	}
}

// bodies bounds the time for a body to arrive, and refuses one where the method gives it no meaning: nobody would read
// it, and a stream would end with it. One whose length is not told may be empty.
func (m Limits) bodies(c *gin.Context) {
	if c.Request.ContentLength == 0 { // the Body of HTTP/2 is never http.NoBody
		return
	}
	http.NewResponseController(c.Writer).SetReadDeadline(time.Now().Add(m.BodyTime))
	if c.Request.ContentLength > 0 && (c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead) {
		fail(c, http.StatusBadRequest, "a "+c.Request.Method+" has no body")
	}
}

// noContent refuses a body that turns out to have content: one that ends in a chunk of 0 bytes (RFC 9112, section 7.1),
// or by HTTP/2 in an empty DATA frame or a trailer (RFC 9113, section 8.1), has none (RFC 9110, section 6.4). That may
// take a while, so it comes behind what counts requests.
func noContent(c *gin.Context) {
	if c.Request.ContentLength == 0 {
		return
	}
	if _, err := io.ReadFull(c.Request.Body, make([]byte, 1)); err != io.EOF {
		fail(c, http.StatusBadRequest, "a "+c.Request.Method+" has no body")
		return
	}
	http.NewResponseController(c.Writer).SetReadDeadline(time.Time{}) // a stream that follows is longer
}
