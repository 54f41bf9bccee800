package lab

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"fourwires/feed"

	"github.com/gin-gonic/gin"
)

// Limits bound what clients may use of a lab.
type Limits struct {
	Clients    int           // requests on the four lanes at once, streams among them; the next is answered 503
	Requests   int           // other requests at once, on each address; see seats
	Pages      int           // pages with rows of their own in the ledger; the page quiet the longest makes room
	Publishes  float64       // publishes a second and connection, 0: any; the next is answered 429, or close code 1008
	Message    int           // bytes of data in a message, at most feed.MaxData; more is answered 413, or 1009
	Header     int           // bytes of a request's start line and headers; more is answered 431
	HeaderTime time.Duration // for start line and headers to arrive; then the connection is closed
	BodyTime   time.Duration // for a body to arrive; then 400
}

// DefaultLimits returns the limits of a lab whose settings have none.
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

// check returns one sentence on the first limit that is out of range.
func (m Limits) check() error {
	switch {
	case m.Clients < 1:
		return fmt.Errorf("max-clients %d: must be at least 1", m.Clients)
	case m.Requests < 1:
		return fmt.Errorf("max-requests %d: must be at least 1", m.Requests)
	case m.Pages < 1 || m.Pages > 100_000:
		return fmt.Errorf("max-pages %d: must be from 1 to 100000", m.Pages)
	case !(m.Publishes >= 0): // written so, it refuses NaN too
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

// atMost returns middleware that answers 503 to a request while limit others are being answered.
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

// full answers 503.
func full(c *gin.Context, limit int, what string) {
	c.Header("Retry-After", "5")
	fail(c, http.StatusServiceUnavailable, fmt.Sprintf("this lab has its %d %s", limit, what))
}
