package lab

import (
	"errors"
	"fmt"
	"net/http"

	"fourwires/feed"

	"github.com/gin-gonic/gin"
)

// publish publishes the body, which is JSON, and answers with the message's id and time.
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

var errTooFast = errors.New("lab: too many messages a second on this connection")

// accept publishes data that the client of a request has sent, in a body or a frame, within the limits.
func (l *Lab) accept(r *http.Request, data []byte) (feed.Message, error) {
	switch {
	case !peerOf(r).publishes.Allow():
		return feed.Message{}, errTooFast
	case len(data) > l.settings.Limits.Message:
		return feed.Message{}, fmt.Errorf("%w: this lab takes %d", feed.ErrTooLarge, l.settings.Limits.Message)
	}
	return l.Feed.Publish(data)
}
