package lab

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"fourwires/feed"
	"fourwires/internal/wire"

	"github.com/gin-gonic/gin"
)

const (
	exchangesEvery = 100 * time.Millisecond // an event of the stream of exchanges
	exchangesWrite = 10 * time.Second       // for a client to take one
	newestAtStart  = 60                     // messages in the first event; a reader that resumes may have missed more:
	newestResumed  = 1000
)

// showExchanges streams what is recorded of a page from now on: its requests, their answers and messages, when and of
// which bytes, and what the feed accepts meanwhile. Each event's id is the epoch and the number of its last entry.
func (l *Lab) showExchanges(c *gin.Context) {
	page := c.Query("page")
	if page == "" {
		fail(c, http.StatusBadRequest, "page is missing: the page whose exchanges are asked for")
		return
	}
	s := &exchangeStream{feed: l.Feed, published: l.Feed.Head()}
	seq, newest := uint64(0), uint64(newestAtStart)
	if epoch, number, ok := strings.Cut(c.GetHeader("Last-Event-ID"), "-"); ok && epoch == s.published.Epoch {
		seq, _ = strconv.ParseUint(number, 10, 64) // 0 is the beginning
		newest = newestResumed
	}
	s.published.ID -= min(s.published.ID, newest)
	var err error
	if s.reader, err = l.Ledger.Watch(page, seq); err != nil {
		c.Header("Retry-After", "10")
		fail(c, http.StatusServiceUnavailable,
			"this lab records as many pages as it can; one makes room 10 s after its last reader has left")
		return
	}
	defer s.reader.Close()
	c.Header("Content-Type", "text/event-stream")
	c.Header("X-Accel-Buffering", "no") // else nginx buffers events
	if c.Request.Method == http.MethodHead {
		return
	}
	every := time.NewTicker(exchangesEvery)
	defer every.Stop()
	control := http.NewResponseController(c.Writer)
	for {
		event, more := s.event()
		control.SetWriteDeadline(time.Now().Add(exchangesWrite))
		if _, err := c.Writer.Write(event); err != nil || control.Flush() != nil {
			return
		}
		if more {
			continue
		}
		select {
		case <-every.C:
		case <-c.Request.Context().Done():
			return
		case <-l.ends:
			return
		}
	}
}

// An exchangeStream is one reader's place in a recording and in the feed.
type exchangeStream struct {
	reader    *wire.Reader
	feed      *feed.Feed
	published feed.Cursor // behind the last message that was sent
	now       int64       // what happened before it was sent, in µs since the Unix epoch

	entries  []wire.Entry // memory that is used again
	messages []feed.Message
	buffer   []byte
}

// event returns the next event, and whether there is more at once. It is valid until the next call.
func (s *exchangeStream) event() (event []byte, more bool) {
	var dropped uint64
	var now int64
	s.entries, dropped, now = s.reader.Next(s.entries[:0])
	head := s.feed.Head()
	// An error is a gap, behind which the next event goes on, or says that the feed is closed.
	s.messages, s.published, _ = s.feed.Since(s.published, s.messages[:0])
	if more = now == 0 || s.published.ID < head.ID; !more {
		s.now = now
	}

	epoch := s.published.Epoch
	b := fmt.Appendf(s.buffer[:0], "id: %s-%d\ndata: {\"epoch\":%q,\"now\":%d", epoch, s.reader.Seq, epoch, s.now)
	if dropped > 0 {
		b = fmt.Appendf(b, `,"dropped":%d`, dropped)
	}
	b = append(b, `,"published":[`...)
	for i, m := range s.messages {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, "[%d,%d]", m.ID, m.At)
	}
	b = append(b, `],"entries":[`...)
	for i := range s.entries {
		if i > 0 {
			b = append(b, ',')
		}
		b = s.entries[i].AppendJSON(b)
	}
	s.buffer = append(b, "]}\n\n"...)
	return s.buffer, more
}

// showExchange answers with what is recorded of one exchange, byte by byte.
func (l *Lab) showExchange(c *gin.Context) {
	number, err := strconv.ParseUint(c.Param("exchange"), 10, 64)
	seq := uint64(0)
	if text, given := c.GetQuery("seq"); err == nil && given {
		seq, err = strconv.ParseUint(text, 10, 64)
	}
	if err != nil {
		fail(c, http.StatusBadRequest, "an exchange and a seq are numbers")
		return
	}
	exchange, ok := l.Ledger.Exchange(c.Query("page"), number, seq)
	if !ok {
		fail(c, http.StatusNotFound, fmt.Sprintf("exchange %d: no longer kept", number))
		return
	}
	c.JSON(http.StatusOK, struct {
		Epoch string `json:"epoch"`
		wire.RecordedExchange
	}{l.Feed.Head().Epoch, exchange})
}
