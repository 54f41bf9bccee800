//go:build !solution

package listener

import (
	"bufio"
	"io"
	"time"
)

// listen takes the lines of a stream, heartbeats among them, until the stream
// ends, or until no line came for as long as its patience. Then the line is taken
// for dead, and the stream closed. Now it waits for ever.
func listen(stream io.ReadCloser, patience time.Duration, take func(line string)) {
	for lines := bufio.NewScanner(stream); lines.Scan(); {
		take(lines.Text())
	}
}
