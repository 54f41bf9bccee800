package lab

import (
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

// seats bound the requests that are answered at once. When all seats are taken, the request that has waited longest for
// its client, to send a body or to take an answer, makes room for the next one. So a client cannot keep others out by
// requests that make no progress, over however many connections. A limit per connection would be evaded by opening more
// connections, and a limit per address would be one limit for everybody behind a proxy or a NAT. Requests that wait for
// no client keep their seats, and then the next one is answered 503.
type seats struct {
	limit int

	mu    sync.Mutex
	waits uint64 // waits so far; the request that waits longest has the lowest number
	taken map[*seat]struct{}
}

// A seat is what one request holds while it is answered.
type seat struct {
	of      *seats
	control *http.ResponseController
	wait    uint64 // the number of its wait for its client; 0: it does not wait
	reads   bool   // it waits for a body
}

func newSeats(limit int) *seats { return &seats{limit: limit, taken: map[*seat]struct{}{}} }

// take is middleware that gives a request a seat while it is answered.
func (s *seats) take(c *gin.Context) {
	mine := &seat{of: s, control: http.NewResponseController(c.Writer)}
	if !s.enter(mine) {
		full(c, s.limit, "requests")
		return
	}
	defer s.leave(mine)
	c.Request = c.Request.WithContext(c.Request.Context()) // a copy: net/http checks the type of its own request's Body
	c.Request.Body = &seatedBody{c.Request.Body, mine}
	c.Writer = &seatedWriter{c.Writer, mine}
	c.Next()
}

func (s *seats) enter(next *seat) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.taken) >= s.limit {
		var longest *seat
		for other := range s.taken {
			if other.wait > 0 && (longest == nil || other.wait < longest.wait) {
				longest = other
			}
		}
		if longest == nil {
			return false
		}
		delete(s.taken, longest)
		if past := time.Unix(1, 0); longest.reads {
			longest.control.SetReadDeadline(past) // it is answered 400
		} else {
			longest.control.SetWriteDeadline(past)
		}
	}
	s.taken[next] = struct{}{}
	return true
}

func (s *seats) leave(mine *seat) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.taken, mine)
}

// waiting notes that the request waits for its client, until the function that it returns is called.
func (s *seat) waiting(reads bool) (done func()) {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	s.of.waits++
	s.wait, s.reads = s.of.waits, reads
	return func() {
		s.of.mu.Lock()
		defer s.of.mu.Unlock()
		s.wait = 0
	}
}

type seatedBody struct {
	io.ReadCloser
	seat *seat
}

func (b *seatedBody) Read(p []byte) (int, error) {
	defer b.seat.waiting(true)()
	return b.ReadCloser.Read(p)
}

type seatedWriter struct {
	gin.ResponseWriter
	seat *seat
}

func (w *seatedWriter) Write(p []byte) (int, error) {
	defer w.seat.waiting(false)()
	return w.ResponseWriter.Write(p)
}

func (w *seatedWriter) WriteString(text string) (int, error) {
	defer w.seat.waiting(false)()
	return w.ResponseWriter.WriteString(text)
}

// Unwrap is for http.ResponseController.
func (w *seatedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
