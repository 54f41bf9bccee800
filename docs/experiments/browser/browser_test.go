package browser_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	browsers "fourwires/internal/chromium"
	"fourwires/internal/needs"

	"go.uber.org/goleak"
)

// TestMain lets eight parallel tests run at once, however few processors there are: they mostly wait.
func TestMain(m *testing.M) {
	flag.Parse()
	if parallel := flag.Lookup("test.parallel"); parallel.Value.String() == parallel.DefValue {
		parallel.Value.Set("8")
	}
	goleak.VerifyTestMain(m)
}

// chromium returns the path of a Chromium, or skips the test.
func chromium(t *testing.T) string {
	t.Helper()
	return browsers.Path(t)
}

// visit opens a page in a real browser until the test ends. The browser sends cookies to other sites as their servers
// allow, which a Chromium by default does not.
func visit(t *testing.T, url string, flags ...string) {
	t.Helper()
	needs.Process(t)
	profile, err := os.MkdirTemp("", "fourwires-browser-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(profile, "Default"), 0o777); err != nil {
		t.Fatal(err)
	}
	const preferences = `{"profile":{"cookie_controls_mode":0,"block_third_party_cookies":false}}`
	if err := os.WriteFile(filepath.Join(profile, "Default", "Preferences"), []byte(preferences), 0o666); err != nil {
		t.Fatal(err)
	}
	flags = append(flags, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir="+profile,
		url)
	cmd := exec.Command(chromium(t), flags...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // with all its children
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
		os.RemoveAll(profile)
	})
}
