package lab

import (
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

// Seats bound the requests that are answered at once. Where all are taken, the request that has waited the longest
// for its client, to send a body or to take an answer, makes room for the next one: a client cannot keep others out
// by requests that do not go on, over however many connections. A bound for each connection would be passed by
// opening more, and one for each address would be one for a whole room behind a proxy or a NAT. Requests that wait
// for nobody keep their seats, and the next one is answered 503.
type seats struct {
	limit int

	mu    sync.Mutex
	turn  uint64 // counts waits, so that the longest has the least
	taken map[*seat]struct{}
}

// A seat is a request's.
type seat struct {
	of      *seats
	control *http.ResponseController
	waits   uint64 // its turn, while it waits for its client; else 0
	reads   bool   // it waits for a body
}

func newSeats(limit int) *seats { return &seats{limit: limit, taken: map[*seat]struct{}{}} }

// take has a request take a seat while it is answered.
func (s *seats) take(c *gin.Context) {
	mine := &seat{of: s, control: http.NewResponseController(c.Writer)}
	if !s.enter(mine) {
		full(c, s.limit, "requests")
		return
	}
	defer s.leave(mine)
	c.Request = c.Request.WithContext(c.Request.Context()) // a copy: net/http looks at the type of its own request's Body
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
			if other.waits > 0 && (longest == nil || other.waits < longest.waits) {
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

func (s *seats) leave(gone *seat) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.taken, gone)
}

// wait says that the request waits for its client, and the function it returns, that it does no more.
func (s *seat) wait(reads bool) (over func()) {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	s.of.turn++
	s.waits, s.reads = s.of.turn, reads
	return func() {
		s.of.mu.Lock()
		defer s.of.mu.Unlock()
		s.waits = 0
	}
}

type seatedBody struct {
	io.ReadCloser
	seat *seat
}

func (b *seatedBody) Read(p []byte) (int, error) {
	defer b.seat.wait(true)()
	return b.ReadCloser.Read(p)
}

type seatedWriter struct {
	gin.ResponseWriter
	seat *seat
}

func (w *seatedWriter) Write(p []byte) (int, error) {
	defer w.seat.wait(false)()
	return w.ResponseWriter.Write(p)
}

func (w *seatedWriter) WriteString(text string) (int, error) {
	defer w.seat.wait(false)()
	return w.ResponseWriter.WriteString(text)
}

// Unwrap is for http.ResponseController.
func (w *seatedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
