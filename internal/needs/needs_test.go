package needs_test

import (
	"os"
	"path/filepath"
	"testing"

	"fourwires/internal/needs"
)

// TestMissing skips two tests; the file that NOT_TRIED names has the reason of each.
func TestMissing(t *testing.T) {
	name := filepath.Join(t.TempDir(), "not-tried")
	t.Setenv("NOT_TRIED", name)
	t.Setenv("CI", "")
	for _, why := range []string{"an example", "another example"} {
		t.Run(why, func(t *testing.T) { needs.Missing(t, why, "get it") })
	}
	got, err := os.ReadFile(name)
	if want := "an example\nanother example\n"; err != nil || string(got) != want {
		t.Errorf("%s has %q (%v), want %q", name, got, err, want)
	}
}
