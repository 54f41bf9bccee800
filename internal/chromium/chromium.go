// Package chromium finds the browser that tests drive.
package chromium

import (
	"os"
	"testing"

	"fourwires/internal/needs"
)

// Path returns the path of a Chromium: the one that the environment variable CHROMIUM names, or the first that is
// installed. Where there is none, and with -short, it skips the test by package needs.
func Path(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("CHROMIUM"); path != "" {
		needs.Process(t)
		return path
	}
	return needs.Program(t, "apt-get install chromium, or name yours: CHROMIUM=/path/to/chrome go test …",
		"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
}
