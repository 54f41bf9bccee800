// Package chromium finds the browser that tests ask.
package chromium

import (
	"os"
	"os/exec"
	"testing"
)

// Path returns the path of a Chromium: the one that CHROMIUM names, or the first that
// is installed. Without one the test is skipped, saying what is not tested, and fails
// under CI=true: there, what was not tested must not look green.
func Path(t testing.TB, untested string) string {
	t.Helper()
	if path := os.Getenv("CHROMIUM"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	advice := untested + ": this needs a Chromium. Get one with\n\n" +
		"\tapt-get install chromium\n\nor name yours: CHROMIUM=/path/to/chrome go test …"
	if os.Getenv("CI") == "true" {
		t.Fatal(advice)
	}
	t.Skip(advice)
	panic("unreachable")
}
