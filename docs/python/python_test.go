package python_test

import (
	"cmp"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fourwires/docs/blocks"
	"fourwires/docs/python"
	"fourwires/internal/lab/labtest"

	"go.uber.org/goleak"
)

const chapter = "docs/16-python.md"

const patience = 30 * time.Second // with a script

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestPython runs the scripts: each client against labs that are cut off, forget messages and restart, and each server
// under lab measure.
func TestPython(t *testing.T) {
	python.Need(t)
	program := build(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()

	var all sync.WaitGroup
	room := make(chan struct{}, 6) // of so many at once: they mostly wait
	do := func(what string, f func() error) {
		all.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			if err := f(); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		})
	}
	for i := range pythonServers {
		s := &pythonServers[i]
		if s.script == "" {
			s.lab = labtest.Start(t, labtest.Quiet(500))
		}
		do(cmp.Or(s.script, "the lab"), func() error { return s.measure(ctx, program) })
	}
	for i := range pythonClients {
		c, first, second := &pythonClients[i], labtest.Start(t, labtest.Quiet(5)), labtest.Start(t, labtest.Quiet(5))
		do(c.script+" "+c.transport, func() error { return c.read(ctx, first, second) })
	}
	var refused string
	do("flask_sockets_server.py --as-packaged", func() (err error) {
		refused, err = asPackaged(ctx)
		return err
	})
	all.Wait()
	if t.Failed() {
		return
	}

	var report strings.Builder
	fmt.Fprintf(&report, "%-21s %-10s %-19s %s\n", "client, at the lab", "transport", "connections",
		"head of a request, bytes")
	for _, c := range pythonClients {
		fmt.Fprintf(&report, "%-21s %-10s %-18s %5d\n", c.script, c.transport, c.connections, c.head)
	}
	fmt.Fprintf(&report, "\nbytes around a message of %d:\n", sizeAlone)
	fmt.Fprint(&report, "server, by the lab's clients       poll  connections   event  opening   frame  opening\n")
	for _, s := range pythonServers {
		fmt.Fprintf(&report, "%s\n", s.row())
	}
	fmt.Fprintf(&report, "\n%s\n", refused)
	blocks.Printed(t, report.String())
	if t.Failed() {
		t.Log("that is so, too, where the packages are of other versions than those in the table")
	}
}

// build builds the lab, and returns the path of the program.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lab")
	command := exec.CommandContext(t.Context(), "go", "build", "-o", path, "fourwires/cmd/lab")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return path
}
