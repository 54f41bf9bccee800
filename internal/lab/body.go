package lab

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// boundBody is middleware that bounds the time for a body to arrive, and refuses the body of a method that gives it no
// meaning: no handler would read it, and a stream would end with it. A body without Content-Length may be empty, and is
// left to refuseBody.
func (m Limits) boundBody(c *gin.Context) {
	if c.Request.ContentLength == 0 { // the Body of HTTP/2 is never http.NoBody
		return
	}
	http.NewResponseController(c.Writer).SetReadDeadline(time.Now().Add(m.BodyTime))
	if c.Request.ContentLength > 0 && (c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead) {
		fail(c, http.StatusBadRequest, "a "+c.Request.Method+" has no body")
	}
}

// refuseBody is middleware that reads a body without Content-Length, and refuses it if it has content. A body has none
// that is one chunk of 0 bytes (RFC 9112, section 7.1) or, over HTTP/2, an empty DATA frame or a trailer (RFC 9113,
// section 8.1). The read may take a while, so this runs after what counts requests.
func refuseBody(c *gin.Context) {
	if c.Request.ContentLength == 0 {
		return
	}
	if _, err := io.ReadFull(c.Request.Body, make([]byte, 1)); err != io.EOF {
		fail(c, http.StatusBadRequest, "a "+c.Request.Method+" has no body")
		return
	}
	http.NewResponseController(c.Writer).SetReadDeadline(time.Time{}) // a stream takes longer
}

// readBody reads a body, of at most as many bytes as a message may have. If it cannot, it fails the request and returns
// false.
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

// decode reads a body that is one JSON object, with any of these names, each at most once. If the body is something
// else, it fails the request and returns false.
func (l *Lab) decode(c *gin.Context, into any, names ...string) bool {
	body, ok := l.readBody(c)
	if !ok {
		return false
	}
	err := checkMembers(body, names)
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		sentence := fmt.Sprintf("the body is an object with any of %s: %v", strings.Join(names, ", "), err)
		fail(c, http.StatusBadRequest, sentence)
	}
	return err == nil
}

// checkMembers refuses what json.Unmarshal accepts besides an object with these names: a name in other letters, a name
// given twice, of which the last value would count (RFC 8259, section 4), and null, which would change nothing.
func checkMembers(body []byte, names []string) error {
	if !json.Valid(body) {
		return json.Unmarshal(body, new(any)) // its error says where the text is not JSON
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	if begin, _ := decoder.Token(); begin != json.Delim('{') {
		return errors.New("it is another value")
	}
	given := map[string]bool{}
	for decoder.More() {
		token, _ := decoder.Token()
		name := token.(string)
		var value json.RawMessage
		decoder.Decode(&value)
		switch {
		case !slices.Contains(names, name):
			return fmt.Errorf("it does not know %q", name)
		case given[name]:
			return fmt.Errorf("%s is given twice", name)
		case string(value) == "null":
			return fmt.Errorf("%s is null", name)
		}
		given[name] = true
	}
	return nil
}
