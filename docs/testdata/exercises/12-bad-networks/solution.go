//go:build solution

package listener

import (
	"bufio"
	"io"
	"time"
)

func listen(stream io.ReadCloser, patience time.Duration, take func(line string)) {
	alarm := time.AfterFunc(patience, func() { stream.Close() })
	defer alarm.Stop()
	for lines := bufio.NewScanner(stream); lines.Scan(); {
		alarm.Reset(patience)
		take(lines.Text())
	}
}
