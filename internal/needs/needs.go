// Package needs skips tests that need what a machine may not have, or what -short leaves out: a program, a process of
// its own, a right. The reason is one line that begins with NOT TRIED. Under CI=true the test fails instead: there,
// what was not tested must not look green.
//
// `go test ./...` prints nothing of a package that passes, so that line shows with -v only. Where the environment
// variable NOT_TRIED names a file, each reason is appended to it, a line each; .ci/test reads them from there.
package needs

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Program returns the path of the first of names that is installed. Where none is, it calls [Missing] with install as
// the remedy, such as "apt-get install nginx". With -short it skips the test, as [Process] does.
func Program(t testing.TB, install string, names ...string) string {
	t.Helper()
	Process(t)
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	Missing(t, strings.Join(names, ", ")+" is not installed", install)
	panic("unreachable")
}

// Process skips the test with -short. A test calls it that starts a process, such as a browser, a server or a capture.
func Process(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: no process is started")
	}
}

// Missing skips the test, and under CI=true fails it. Its message is why, which names what is missing, and remedy,
// which says how to get it.
func Missing(t testing.TB, why, remedy string) {
	t.Helper()
	if name := os.Getenv("NOT_TRIED"); name != "" {
		if err := appendLine(name, why); err != nil {
			t.Fatal(err)
		}
	}
	text := "NOT TRIED: " + why + "; to try it: " + remedy
	if os.Getenv("CI") == "true" {
		t.Fatal(text)
	}
	t.Skip(text)
}

func appendLine(name, line string) error {
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = fmt.Fprintln(file, line)
	return err
}
