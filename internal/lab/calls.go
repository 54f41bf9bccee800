package lab

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"unicode/utf8"

	"fourwires/feed"
	"fourwires/internal/source"

	"github.com/gin-gonic/gin"
)

func healthz(c *gin.Context) {
	c.JSON(http.StatusOK, gin.H{"status": "ok"})
}

// publish appends a message with the body, which is JSON, and answers with its
// id and time.
func (l *Lab) publish(c *gin.Context) {
	body, ok := l.readBody(c)
	if !ok {
		return
	}
	m, err := l.accept(c.Request, body)
	switch {
	case err == errTooFast:
		c.Header("Retry-After", "1")
		fail(c, http.StatusTooManyRequests, err.Error())
	case errors.Is(err, feed.ErrTooLarge), errors.Is(err, feed.ErrTooDeep):
		fail(c, http.StatusRequestEntityTooLarge, err.Error())
	case errors.Is(err, feed.ErrClosed):
		c.Header("Retry-After", "1")
		fail(c, http.StatusServiceUnavailable, err.Error())
	case err != nil:
		fail(c, http.StatusBadRequest, err.Error())
	default:
		c.JSON(http.StatusCreated, gin.H{"id": m.ID, "at": m.At})
	}
}

// echo answers with the text it was sent: what /websocket/echo does a frame at
// a time, with a request for each.
func (l *Lab) echo(c *gin.Context) {
	text, ok := l.readBody(c)
	if !ok {
		return
	}
	if !utf8.Valid(text) {
		fail(c, http.StatusBadRequest, "a text is UTF-8")
		return
	}
	c.Header("X-Content-Type-Options", "nosniff") // a browser shall not find HTML in it
	c.String(http.StatusOK, "Server received: %s", text)
}

// readBody reads a body of at most as many bytes as a message may have, or
// fails the request.
func (l *Lab) readBody(c *gin.Context) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, int64(l.settings.Limits.Message)))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		fail(c, http.StatusRequestEntityTooLarge, fmt.Sprintf("a body has at most %d bytes", l.settings.Limits.Message))
	case err != nil:
		fail(c, http.StatusBadRequest, "the body did not arrive: "+err.Error())
	}
	return body, err == nil
}

// feedState is what GET /control/feed answers.
type feedState struct {
	Epoch string `json:"epoch"`
	Head  uint64 `json:"head"`
	source.Settings
	Sources []string `json:"sources"`
	Phases  []string `json:"phases"`
}

func (l *Lab) showFeed(c *gin.Context) {
	head := l.Feed.Head()
	c.JSON(http.StatusOK, feedState{head.Epoch, head.ID, l.pump.Settings(), l.pump.Sources(), source.Phases()})
}

// showLedger answers with what was counted on the lanes' address: for a page, with the
// epoch, so that who takes differences knows a server that counts anew; or for all of them.
func (l *Lab) showLedger(c *gin.Context) {
	if page := c.Query("page"); page != "" {
		c.JSON(http.StatusOK, gin.H{"epoch": l.Feed.Head().Epoch, "rows": l.Ledger.Page(page)})
		return
	}
	c.JSON(http.StatusOK, l.Ledger.Snapshot())
}

// changeFeed changes what is named, and only if all of it is right.
func (l *Lab) changeFeed(c *gin.Context) {
	var change struct {
		Source  *string  `json:"source"`
		Rate    *float64 `json:"rate"`
		Phase   *string  `json:"phase"`
		Burst   *int     `json:"burst"`
		Apart   *float64 `json:"apart_ms"`
		Payload *int     `json:"payload"`
	}
	if !l.decode(c, &change, "source", "rate", "phase", "burst", "apart_ms", "payload") {
		return
	}
	l.changes.Lock()
	defer l.changes.Unlock()
	s := l.pump.Settings()
	s.Source = *cmp.Or(change.Source, &s.Source)
	s.Rate = *cmp.Or(change.Rate, &s.Rate)
	s.Phase = *cmp.Or(change.Phase, &s.Phase)
	s.Burst = *cmp.Or(change.Burst, &s.Burst)
	s.Apart = *cmp.Or(change.Apart, &s.Apart)
	s.Payload = *cmp.Or(change.Payload, &s.Payload)
	if err := l.pump.Change(s); err != nil {
		fail(c, http.StatusBadRequest, err.Error())
		return
	}
	l.showFeed(c)
}
