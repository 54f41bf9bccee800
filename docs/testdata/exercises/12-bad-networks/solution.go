//go:build solution

package listener

import (
	"bufio"
	"io"
	"time"
)

func listen(stream io.ReadCloser, patience time.Duration, take func(line string)) {
	timer := time.AfterFunc(patience, func() { stream.Close() })
	defer timer.Stop()
	for lines := bufio.NewScanner(stream); lines.Scan(); {
		timer.Reset(patience)
		take(lines.Text())
	}
}
