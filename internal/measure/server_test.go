package measure

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"fourwires/internal/needs"
)

// What the server's process does not understand ends it, with a sentence.
func TestServeCommands(t *testing.T) {
	for _, test := range []struct{ commands, want string }{
		{"stop\n", ""},
		{"network 0 0 0\nstop\n", ""},
		{"start\n", `the command "start": must be one of publish, network, stop`},
		{"publish 0 1 ten 0 80 1 0\n", `the command "publish 0 1 ten 0 80 1 0": .*`},
		{"network 0 0\n", `the command "network 0 0": .*`},
		{"network -1 0 0\n", `the command "network -1 0 0": rtt -1ns: .*`},
	} {
		got := ""
		if err := Serve(strings.NewReader(test.commands), io.Discard); err != nil {
			got = err.Error()
		}
		if !matches(test.want, got) {
			t.Errorf("%q: %s, want %s", test.commands, got, test.want)
		}
	}
}

// A server of our own that says nothing, from the start or later, has less than patience
// once an interrupt came.
func TestInterruptServer(t *testing.T) {
	t.Parallel()
	needs.Process(t)
	ctx, interrupt := context.WithCancel(t.Context())
	s, err := start(ctx, []string{"sh", "-c", "echo plain tls; exec cat >&2"})
	if err != nil {
		t.Fatal(err)
	}
	interrupt()
	begun := time.Now()
	if _, _, err := s.stop(ctx); err == nil {
		t.Error("it has stopped")
	}
	s.close(ctx)
	if s, err := start(ctx, []string{"cat"}); err == nil {
		t.Errorf("it says %q, %q", s.plain, s.tls)
	}
	if took := time.Since(begun); took >= patience {
		t.Errorf("both took %v", took)
	}
}
