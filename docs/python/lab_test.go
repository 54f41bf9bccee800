package python_test

import (
	"strings"

	"fourwires/internal/lab/labtest"
)

// pythonData is what feed.py publishes.
var pythonData = []byte(`"` + strings.Repeat("x", 126) + `"`)

// publish publishes n messages of it.
func publish(l *labtest.Server, n int) {
	for range n {
		if _, err := l.Feed.Publish(pythonData); err != nil {
			panic(err) // the data is good, and the feed open
		}
	}
}
