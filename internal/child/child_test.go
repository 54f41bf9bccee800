package child_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"fourwires/internal/child"
	"fourwires/internal/needs"
)

// asChild is the environment variable that makes this test binary a child.
const asChild = "FOURWIRES_CHILD"

type hello struct {
	Hello string `json:"hello"`
}

type command struct {
	Add  []int  `json:"add,omitempty"`
	Hang bool   `json:"hang,omitempty"`
	Fail string `json:"fail,omitempty"`
	Skip bool   `json:"skip,omitempty"` // is not answered
}

type sum struct {
	Sum int   `json:"sum"`
	At  int64 `json:"at"`
}

func TestMain(m *testing.M) {
	if os.Getenv(asChild) == "" {
		os.Exit(m.Run())
	}
	err := child.Serve(os.Stdin, os.Stdout, hello{"you"}, func(c command) (any, error) {
		switch {
		case c.Fail != "":
			return nil, errors.New(c.Fail)
		case c.Hang:
			time.Sleep(time.Hour)
		case c.Skip:
			return nil, nil
		}
		total := 0
		for _, n := range c.Add {
			total += n
		}
		return sum{total, child.Monotonic()}, nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// start starts this binary as a child.
func start(t *testing.T, ctx context.Context) *child.Process {
	t.Helper()
	needs.Process(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var ready hello
	p, err := child.Start(ctx, []string{"env", asChild + "=yes", self}, &ready)
	if err != nil || ready.Hello != "you" {
		t.Fatal(ready, err)
	}
	return p
}

func TestAsk(t *testing.T) {
	t.Parallel()
	p := start(t, t.Context())
	var got sum
	before := child.Monotonic()
	err := errors.Join(p.Send(command{Skip: true}), p.Ask(t.Context(), command{Add: []int{1, 2, 3}}, &got))
	if err != nil || got.Sum != 6 {
		t.Error(got, err)
	}
	if child.Shared && (got.At < before || got.At > child.Monotonic()) {
		t.Errorf("the child's clock says %d, ours %d before and %d after", got.At, before, child.Monotonic())
	}
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// A command that fails ends the process, which says why.
func TestFail(t *testing.T) {
	t.Parallel()
	p := start(t, t.Context())
	err := p.Ask(t.Context(), command{Fail: "it is late"}, new(sum))
	if err == nil || err.Error() != "the server's process has ended" {
		t.Error(err)
	}
	want := `exit status 1: the command {"fail":"it is late"}: it is late` + "\n"
	if err := p.Close(t.Context()); err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Error(err)
	}
}

// A process that does not answer is killed; once the context has ended, sooner.
func TestHang(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	p := start(t, ctx)
	interrupt()
	begun := time.Now()
	if err := p.Ask(ctx, command{Hang: true}, new(sum)); err == nil {
		t.Error("it answers")
	}
	if err := p.Close(ctx); err == nil {
		t.Error("it ended by itself")
	}
	if _, err := child.Start(ctx, []string{"cat"}, new(hello)); err == nil {
		t.Error("a silent process is ready")
	}
	if took := time.Since(begun); took >= child.Patience {
		t.Errorf("both took %v", took)
	}
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	needs.Process(t)
	for _, test := range []struct {
		command []string
		want    string
	}{
		{[]string{"/nowhere"}, "the server's process does not start: "},
		{[]string{"sh", "-c", "echo no >&2"}, "the server's process has ended: no"},
		{[]string{"sh", "-c", "kill -INT $$"}, child.ErrInterrupted.Error()},
	} {
		_, err := child.Start(t.Context(), test.command, new(hello))
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%q: %v, want %q", test.command, err, test.want)
		}
	}
}

// What is not a command is an error that quotes it.
func TestServeRefuses(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		`{"sing":true}`: `the command {"sing":true}: json: unknown field "sing"`,
		`add 1 2`:       `the command add 1 2: invalid character 'a'`,
		`{"add":"x"}`:   `the command {"add":"x"}: json: cannot unmarshal`,
	} {
		var out strings.Builder
		obey := func(command) (any, error) { return sum{}, nil }
		err := child.Serve(strings.NewReader(line+"\n"), &out, hello{"you"}, obey)
		if err == nil || !strings.HasPrefix(err.Error(), want) || out.String() != `{"hello":"you"}`+"\n" {
			t.Errorf("%s: %v after %q, want %q", line, err, out.String(), want)
		}
	}
}

func TestTimer(t *testing.T) {
	t.Parallel()
	timer, err := child.NewTimer()
	if err != nil {
		t.Fatal(err)
	}
	defer timer.Close()
	var late []time.Duration
	for range 20 {
		at := child.Monotonic() + int64(2*time.Millisecond)
		if err := timer.SleepUntil(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		late = append(late, time.Duration(child.Monotonic()-at))
	}
	if slices.Min(late) < 0 {
		t.Errorf("it woke early: %v", late)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := timer.SleepUntil(ctx, child.Monotonic()+int64(time.Hour)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that ctx has ended", err)
	}
	if err := timer.SleepUntil(ctx, child.Monotonic()); err != nil {
		t.Errorf("an instant that has passed: %v", err)
	}
}

func TestCPUTime(t *testing.T) {
	if !child.Shared {
		t.Skip("unknown here")
	}
	before := child.CPUTime()
	for begun := time.Now(); child.CPUTime() == before; {
		if time.Since(begun) > child.Patience {
			t.Fatal("it does not grow")
		}
	}
}
