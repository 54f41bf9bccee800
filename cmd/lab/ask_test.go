package main

import (
	"context"
	"io"
	"strings"
	"testing"

	"fourwires/internal/decide"
)

// An empty line leaves the value that stands in brackets, and a value that is refused is asked for once more.
func TestAsk(t *testing.T) {
	for _, test := range []struct{ answers, want, err string }{
		{"\n\n\n\n\n\n\n\n", "1 200 down 1000 1s 40ms 2 chrome", ""},
		{"2\n\n both \n4\n50ms\n\n1\ngo\n", "2 200 both 4 50ms 40ms 1 go", ""},
		{"fast\n0\n5\n\n\n\n\n\n\n\n", "5 200 down 1000 1s 40ms 2 chrome", ""},
		{"5\n", "5 200 down 1000 1s 40ms 2 chrome", "the answers ended too early"},
		{"", "1 200 down 1000 1s 40ms 2 chrome", "the answers ended too early"},
	} {
		var out strings.Builder
		command := decideCommand()
		check := func() error {
			n := decide.Usual()
			n.Rate, _ = command.Flags().GetFloat64("rate")
			return n.Check()
		}
		failed := ""
		if err := ask(t.Context(), strings.NewReader(test.answers), &out, command.Flags(), check); err != nil {
			failed = err.Error()
		}
		var got []string
		for _, name := range strings.Fields("rate size direction clients late rtt http headers") {
			got = append(got, command.Flags().Lookup(name).Value.String())
		}
		if strings.Join(got, " ") != test.want || failed != test.err {
			t.Errorf("%q: %q, %s, want %s, %s\n%s", test.answers, got, failed, test.want, test.err, out.String())
		}
		asked := strings.Count(out.String(), "Messages a second, of all clients together [1]: ")
		if strings.HasPrefix(test.answers, "fast") && asked != 3 {
			t.Errorf("%q: it asks for the rate %d times\n%s", test.answers, asked, out.String())
		}
	}
}

// A user who does not answer can still interrupt.
func TestAskInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	in, terminal := io.Pipe()
	defer terminal.Close()
	asked := make(chan error)
	go func() { asked <- ask(ctx, in, io.Discard, decideCommand().Flags(), func() error { return nil }) }()
	if _, err := io.WriteString(terminal, "5\n"); err != nil { // the first has been asked
		t.Fatal(err)
	}
	interrupt()
	if err := <-asked; err != nil {
		t.Error(err)
	}
}
