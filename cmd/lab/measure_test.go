//go:build unix

package main_test

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"net"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// keys are those of a line of JSON, in their order.
const keys = "transport http tls network delivered lost duplicated reordered requests connections" +
	" p50_us p99_us clock_error_us age_us cpu_us" +
	" up payload envelope framing head opening control tag tls unaccounted total" +
	" down payload envelope framing head opening control tag tls unaccounted total"

func TestMeasureJSON(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := execute(t, "measure --json --for 300ms --rate 50 --interval 100ms")
	if code != 0 || stderr != "" {
		t.Fatalf("exit %d\n%s", code, stderr)
	}
	var transports []string
	for line := range strings.Lines(stdout) {
		var found []string
		for _, key := range regexp.MustCompile(`"(\w+)":`).FindAllStringSubmatch(line, -1) {
			found = append(found, key[1])
		}
		if !slices.Equal(found, strings.Fields(keys)) {
			t.Errorf("the keys are %q, want %s", found, keys)
		}
		var r struct {
			Transport string
			Delivered int
			Up, Down  struct{ Unaccounted, Total int }
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if r.Delivered != 15 || r.Up.Unaccounted+r.Down.Unaccounted != 0 || r.Down.Total == 0 {
			t.Errorf("%s", line)
		}
		transports = append(transports, r.Transport)
	}
	if want := []string{"polling", "longpoll", "sse", "websocket"}; !slices.Equal(transports, want) {
		t.Errorf("measured %q, want %q", transports, want)
	}
}

func TestMeasureCSV(t *testing.T) {
	t.Parallel()
	addr := start(t, exec.Command(program(t)), "--source", "market", "--rate", "100")
	code, stdout, stderr := execute(t, "measure --csv --for 200ms --url http://"+addr)
	if code != 0 || stderr != "" {
		t.Fatalf("exit %d\n%s", code, stderr)
	}
	records, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
	if err != nil || len(records) != 5 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	names := strings.Fields(keys)
	up, down := slices.Index(names, "up"), slices.Index(names, "down")
	want := slices.Clone(names[:up])
	for _, name := range names[up+1 : down] {
		want = append(want, "up_"+name)
	}
	for _, name := range names[down+1:] {
		want = append(want, "down_"+name)
	}
	if !slices.Equal(records[0], want) {
		t.Errorf("the header is %q, want %q", records[0], want)
	}
	for _, record := range records[1:] {
		if cpu := record[slices.Index(want, "cpu_us")]; cpu != "" || record[slices.Index(want, "up_unaccounted")] != "0" {
			t.Errorf("%q: of an external server, CPU is not known", record)
		}
	}
}

func TestMeasureTable(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := execute(t,
		"measure --for 600ms --rate 200 --payload 80 --interval 100ms --headers chrome --cookie 9")
	if code != 0 || stderr != "" {
		t.Fatalf("exit %d\n%s", code, stderr)
	}
	for _, want := range []string{
		`(?m)^ +polling +longpoll +sse +websocket$`,
		`(?m)^  payload( +\d+\.\d){4}$`,
		`(?m)^  framing +0\.0 +0\.0 +\d\.\d +2\.0$`,
		`(?m)^  unaccounted( +0\.0){4}$`,
		`(?m)^opening, a connection +0 +0 +\d+ +\d+$`,
		`(?m)^one way, p99( +\d+(\.\d)? (µs|ms)){4}$`,
		`(?m)^lost( +0){4}$`,
		`(?m)^server CPU per message( +\d+(\.\d)? (µs|ms)){4}$`,
		`(?m)^n, messages delivered( +120){4}$`,
		`21 more before, as a warm-up`,
		`1 client, polling every 100ms; headers as chrome sends them, cookie 9 bytes\.`,
		`network: loopback`,
	} {
		if !regexp.MustCompile(want).MatchString(stdout) {
			t.Errorf("no %s in\n%s", want, stdout)
		}
	}
}

// The command of the README: HTTP/2 and TLS, with what they add.
func TestMeasureHTTP2(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := execute(t, "measure --http 2 --tls --for 600ms --rate 200 --interval 100ms")
	if code != 0 || stderr != "" {
		t.Fatalf("exit %d\n%s", code, stderr)
	}
	for _, want := range []string{
		`(?m)^HTTP +2 +2 +2 +1\.1$`,
		`(?m)^  tls( +\d+\.\d){4}$`,
		`(?m)^  unaccounted( +0\.0){4}$`,
		`(?m)^opening, a connection( +[3-9]\d\d\d){4}$`,
		`(?m)^lost( +0){4}$`,
		`HTTP/1\.1 and HTTP/2, TLS, network: loopback`,
	} {
		if !regexp.MustCompile(want).MatchString(stdout) {
			t.Errorf("no %s in\n%s", want, stdout)
		}
	}
}

func TestMeasureErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args   string
		code   int
		stdout string
		stderr string
	}{
		{"--for 0s", 2, "", `lab: for 0s: .*\n`},
		{"--for 2h", 2, "", `lab: for 2h0m0s: .*\n`},
		{"--for ever", 2, "", `lab: invalid argument "ever" for "--for".* \(lab measure --help says what there is\)\n`},
		{"--rate NaN", 2, "", `lab: rate NaN: .*\n`},
		{"--rate 0.01", 2, "", `lab: rate 0.01: that is no message in 10s\n`},
		{"--rate 10000 --for 1h", 2, "", `lab: rate 10000: that is more than 1000000 messages in 1h0m0s\n`},
		{"--payload 1", 2, "", `lab: payload 1: must be from 2 to 65536 bytes\n`},
		{"--interval 0s", 2, "", `lab: interval 0s: .*\n`},
		{"--clients 0", 2, "", `lab: clients 0: .*\n`},
		{"--cookie -1", 2, "", `lab: cookie -1: .*\n`},
		{"--headers firefox", 2, "", `lab: headers "firefox": must be one of go, chrome\n`},
		{"--http 3", 2, "", `lab: http 3: must be 1 or 2\n`},
		{"--url https://localhost:1 --tls", 2, "", `lab: --tls: the server at --url .*\n`},
		{"--csv --json", 2, "", `lab: --csv, --json: one of them\n`},
		{"--url localhost:8080", 2, "", `lab: url "localhost:8080": .*\n`},
		{"--url http://localhost:8080 --rate 5", 2, "", `lab: --rate: .*\n`},
		{"--url http://localhost:8080 --tls --payload 5 --rate 5 --kbps 5", 2, "", `lab: --kbps: .*\n`},
		{"--nope", 2, "", `lab: unknown flag: --nope \(lab measure --help says what there is\)\n`},
		{"nope", 2, "", `lab: unknown command "nope" for "lab measure" \(lab measure --help says what there is\)\n`},
		{"--url http://127.0.0.1:1", 1, "", `lab: polling, after .*connection refused\n`},
	} {
		code, stdout, stderr := execute(t, "measure "+test.args)
		if code != test.code || !matches(test.stdout, stdout) || !matches(test.stderr, stderr) {
			t.Errorf("lab measure %s: exit %d\n%s%s\nwant %d\n%s%s",
				test.args, code, stdout, stderr, test.code, test.stdout, test.stderr)
		}
	}
}

// Ctrl-C, which a terminal sends to the server's process too, ends a measurement without an error, and prints what
// there is.
func TestMeasureInterrupt(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(program(t), "measure", "--json", "--for", "1s", "--interval", "100ms")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, `{"transport":"polling",`) {
		t.Errorf("%s, %v", line, err)
	}
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(lines)
	if err := cmd.Wait(); err != nil || stderr.Len() > 0 || bytes.Count(rest, []byte("\n")) > 1 {
		t.Errorf("%v\n%s%s", err, rest, stderr.String())
	}
}

// Ctrl-C ends a measurement of a server that accepts connections and is silent, and waits for none of its limits, of
// which the shortest is 10 s.
func TestMeasureInterruptSilent(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	cmd := exec.Command(program(t), "measure", "--for", "1h", "--url", "http://"+silent.Addr().String())
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	first, err := silent.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	begun := time.Now()
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	if took := time.Since(begun); err != nil || out.Len() > 0 || took >= 9*time.Second {
		t.Errorf("%v after %v\n%s", err, took, out.String())
	}
}
