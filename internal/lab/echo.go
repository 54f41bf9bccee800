package lab

import (
	"net/http"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
)

// echo answers with the text that it was sent: one request a text, where /websocket/echo takes one frame a text.
func (l *Lab) echo(c *gin.Context) {
	text, ok := l.readBody(c)
	if !ok {
		return
	}
	if !utf8.Valid(text) {
		fail(c, http.StatusBadRequest, "a text is UTF-8")
		return
	}
	c.Header("X-Content-Type-Options", "nosniff") // or a browser could take it for HTML
	c.String(http.StatusOK, "Server received: %s", text)
}
