package main_test

import (
	"bytes"
	"errors"
	"flag"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"fourwires/internal/needs"
)

// TestMain has eight tests run at once, since most of them wait, unless -parallel asks for another number. It removes
// the program that [program] built.
func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		flag.Set("test.parallel", "8")
	}
	code := m.Run()
	os.RemoveAll(built.dir)
	os.Exit(code)
}

// built is the program, built once for all tests, as a newcomer would build it.
var built struct {
	once sync.Once
	dir  string
	err  error
}

// program returns the path of the program.
func program(t *testing.T) string {
	t.Helper()
	needs.Process(t)
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "lab"); built.err == nil {
			built.err = exec.Command("go", "build", "-o", built.dir+"/", ".").Run()
		}
	})
	if built.err != nil {
		t.Fatalf("building the program: %v", built.err)
	}
	return filepath.Join(built.dir, "lab")
}

// execute runs the program and returns its exit status and what it printed.
func execute(t *testing.T, args string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command(program(t), strings.Fields(args)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// matches reports whether a regular expression matches all of a text.
func matches(pattern, text string) bool {
	return regexp.MustCompile(`^(?:` + pattern + `)$`).MatchString(text)
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, test := range []struct {
		args   string
		code   int
		stdout string // a regular expression for all of it
		stderr string
	}{
		{"version", 0, `fourwires \S+ go\S+ \w+/\w+\n`, ""},
		{"--help", 0, `(?s)Fourwires puts.*Usage:\n  lab \[flags\]\n.*--addr.*--control.*--keep.*--payload.*--phase.*--rate.*--seed.*--source.*`, ""},
		{"serve --help", 0, `(?s)Serve the feed.*--addr.*--control.*--source.*--rate.*--phase.*--payload.*--seed.*--keep.*`, ""},
		{"--nope", 2, "", `lab: unknown flag: --nope \(lab --help says what there is\)\n`},
		{"serve --nope", 2, "", `lab: unknown flag: --nope \(lab serve --help says what there is\)\n`},
		{"nope", 2, "", `lab: unknown command "nope" for "lab" \(lab --help says what there is\)\n`},
		{"serve nope", 2, "", `lab: unknown command "nope" for "lab serve" \(lab serve --help says what there is\)\n`},
		{"help nope", 2, "", `lab: unknown command "nope" for "lab" \(lab --help says what there is\)\n`},
		{"help measure nope", 2, "", `lab: unknown command "measure nope" for "lab" \(lab --help says what there is\)\n`},
		{"help measure", 0, `(?s)Measure the four.*`, ""},
		{"--rate fast", 2, "", `lab: invalid argument "fast" for "--rate".* \(lab --help says what there is\)\n`},
		{"--rate 11", 2, "", `lab: rate 11: host takes at most 10 readings a second\n`},
		{"--rate 0", 2, "", `lab: rate 0: .*\n`},
		{"--source market --rate 10001", 2, "", `lab: rate 10001: .*\n`},
		{"--source stars", 2, "", `lab: source "stars": must be one of host, market, none\n`},
		{"wire", 2, "", `lab: wire "": must be one of polling, longpoll, sse, websocket\n`},
		{"wire pigeon", 2, "", `lab: wire "pigeon": must be one of polling, longpoll, sse, websocket\n`},
		{"wire sse websocket", 2, "", `lab: wire "sse websocket": must be one of polling, longpoll, sse, websocket\n`},
		{"--source relay", 2, "", `lab: --source relay: --url says which stream\n`},
		{"--source replay", 2, "", `lab: --source replay: --file says which file\n`},
		{"--url ftp://localhost/", 2, "", `lab: .*ftp.*\n`},
		{"--file nothing.jsonl", 2, "", `lab: .*nothing.jsonl.*\n`},
		{"--file main.go --speed 0", 2, "", `lab: .*speed 0.*\n`},
		{"--max-clients 0", 2, "", `lab: max-clients 0: must be at least 1\n`},
		{"--allow-origin localhost", 2, "", `lab: allow-origin "localhost": .*\n`},
		{"--phase full", 2, "", `lab: phase "full": must be one of poisson, even\n`},
		{"--payload -1", 2, "", `lab: payload -1: .*\n`},
		{"--seed -1", 2, "", `lab: invalid argument "-1" for "--seed".*\n`},
		{"--keep 0", 2, "", `lab: keep 0: a feed keeps 1 to 4096 messages\n`},
		{"--addr 8080", 2, "", `lab: --addr: address 8080: missing port in address\n`},
		{"--addr 127.0.0.1:99999", 2, "", `lab: --addr: address 99999: invalid port\n`},
		{"--tls --tls-addr nowhere", 2, "", `lab: --tls-addr: address nowhere: missing port in address\n`},
		{"--tls-addr 127.0.0.1:99999", 2, "", `lab: --tls-addr: address 99999: invalid port\n`},
		{"--control nowhere", 2, "", `lab: --control: address nowhere: missing port in address\n`},
		{"--addr " + taken.Addr().String(), 1, "", `lab: --addr: listen tcp .*: address already in use: .* give --addr a free port\n`},
		{"--addr " + taken.Addr().String() + " --control 127.0.0.1:6667", 1, "", `--control 127.0.0.1:6667: browsers ask for nothing at port 6667 .*\nlab: --addr: listen .*\n`},
		{"--addr 127.0.0.1:0 --tls-addr " + taken.Addr().String(), 1, "", `lab: --tls-addr: listen tcp .*: address already in use: .* give --tls-addr a free port\n`},
		{"--addr 127.0.0.1:0 --control " + taken.Addr().String(), 1, "", `lab: --control: listen tcp .*: address already in use: .* give --control a free port\n`},
	} {
		code, stdout, stderr := execute(t, test.args)
		if code != test.code || !matches(test.stdout, stdout) || !matches(test.stderr, stderr) {
			t.Errorf("lab %s: exit %d\n%s%s\nwant %d\n%s%s",
				test.args, code, stdout, stderr, test.code, test.stdout, test.stderr)
		}
	}
}
