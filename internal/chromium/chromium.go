// Package chromium finds the browser that tests drive.
package chromium

import (
	"os"
	"testing"

	"fourwires/internal/needs"
)

// Path returns the path of a Chromium: the one that CHROMIUM names, or the first that is installed. Without one, and
// with -short, the test is skipped as package needs has it.
func Path(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("CHROMIUM"); path != "" {
		needs.Process(t)
		return path
	}
	return needs.Program(t, "apt-get install chromium, or name yours: CHROMIUM=/path/to/chrome go test …",
		"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
}
