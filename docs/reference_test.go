package docs_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fourwires/docs/blocks"
	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/lab/labtest"
	"fourwires/internal/needs"
	"fourwires/sse"
)

// TestFlags compares the reference's tables of flags with what the program says.
func TestFlags(t *testing.T) {
	needs.Process(t)
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	for command, heading := range map[string]string{
		"serve":   "Flags of `lab` and `lab serve`:",
		"measure": "Flags of `lab measure`:",
		"decide":  "Flags of `lab decide`:",
	} {
		help, err := exec.Command(path, command, "--help").Output()
		if err != nil {
			t.Fatal(err)
		}
		_, table, found := strings.Cut(blocks.Pages(t)["docs/reference.md"], "\n"+heading+"\n\n")
		if !found {
			t.Errorf("docs/reference.md has no %q", heading)
		}
		table, _, _ = strings.Cut(table, "\n\n")
		var got, want []string
		row := regexp.MustCompile("(?m)^\\| `((?:-., )?--.*?)` \\| (.*?) \\|")
		for _, row := range row.FindAllStringSubmatch(table, -1) {
			standard := strings.Trim(row[2], "`")
			if standard == "–" {
				standard = ""
			}
			got = append(got, row[1]+" = "+standard)
		}
		for _, flag := range regexp.MustCompile(`(?m)^ +((?:-., )?--[\w-]+(?: \w+)?)(?:\[=true\|false\])? {2,}.*?(?: \(default "?(.*?)"?\))?$`).FindAllStringSubmatch(string(help), -1) {
			want = append(want, flag[1]+" = "+flag[2])
		}
		if !slices.Equal(got, want) {
			t.Errorf("docs/reference.md has the flags\n%s\nlab %s --help has\n%s", strings.Join(got, "\n"), command,
				strings.Join(want, "\n"))
		}
	}
}

// TestRecording runs the command that makes a recording: each message is written
// as it comes, so that nothing is lost where Ctrl-C ends curl and sed.
func TestRecording(t *testing.T) {
	needs.Program(t, "apt-get install curl", "curl")
	const count = 30
	_, command, found := strings.Cut(blocks.Pages(t)["docs/reference.md"], "\nA recording is made from a stream.")
	command = regexp.MustCompile(`(?m)^curl .*`).FindString(command)
	command, file := strings.CutSuffix(command, " > recording") // a pipe is buffered like a file
	if !found || !file {
		t.Fatalf("docs/reference.md has no command for a recording, but %q", command)
	}
	f := feed.New(count)
	server := httptest.NewServer(&sse.Handler{Feed: f})
	defer server.Close()
	defer server.CloseClientConnections() // ends curl
	for range count {
		f.Publish([]byte("1"))
	}
	here := strings.Replace(command, "http://127.0.0.1:8080/sse", server.URL+"?after=0", 1)
	cmd := exec.CommandContext(t.Context(), "sh", "-c", here)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var late atomic.Bool
	defer time.AfterFunc(patience, func() {
		late.Store(true)
		server.CloseClientConnections()
	}).Stop()
	lines := bufio.NewScanner(out)
	for n := 0; n < count && lines.Scan(); {
		if m, err := feed.Decode(lines.Bytes()); err == nil && m.ID == uint64(n+1) {
			n++
		}
	}
	if late.Load() || lines.Err() != nil {
		t.Errorf("%s: the messages came only when the stream had ended (%v)", command, lines.Err())
	}
	server.CloseClientConnections()
	cmd.Wait()
}

// TestEndpoints compares the reference's table of endpoints with the routes
// that are in the source, and with what a lab answers.
func TestEndpoints(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "internal", "lab", "routes.go"))
	if err != nil {
		t.Fatal(err)
	}
	routes := map[string]bool{}
	for _, found := range regexp.MustCompile(`\.(POST|PUT|PATCH|DELETE)\("(/[^"]*)",`).FindAllStringSubmatch(string(text), -1) {
		routes[found[1]+" "+found[2]] = true
	}
	for _, found := range regexp.MustCompile(`(?:\bget\(\w+|\bMatch\(\S+ \S+), "(/[^"]*)",`).FindAllStringSubmatch(string(text), -1) {
		routes["GET "+found[1]] = true
	}
	for _, transport := range lab.Transports {
		routes["GET /"+transport.Name] = true
	}

	lanes, control := open(t)
	methods := map[string][]string{} // that a URL takes, by the table
	rows := regexp.MustCompile("(?m)^\\| (lanes|control) \\| `([A-Z]+) (/\\S*)` \\| (.*?) \\|").FindAllStringSubmatch(blocks.Pages(t)["docs/reference.md"], -1)
	listed := map[string]bool{}
	for _, row := range rows {
		address, method, path, query := row[1], row[2], row[3], row[4]
		listed[method+" "+path] = true
		url := map[string]string{"lanes": lanes, "control": control}[address]
		url += strings.ReplaceAll(path, "*file", "main.js")
		methods[url] = append(methods[url], method)
		_, said := ask(t, method, url+"?zzz=1")
		var names []string
		for _, name := range strings.Fields(query) {
			names = append(names, strings.Trim(name, "`"))
		}
		if want := fmt.Sprintf("%s does not know %q; it knows %q", path, "zzz", names); said != want {
			t.Errorf("%s %s: the table has %q, the lab says %q", method, url, want, said)
		}
	}
	for url, methods := range methods {
		head, _ := ask(t, "TRACE", url)
		want := strings.Replace(strings.Join(methods, ", "), "GET", "GET, HEAD", 1)
		if got := head.Get("Allow"); got != want {
			t.Errorf("%s takes %q, the table has %q", url, got, want)
		}
	}
	if !maps.Equal(listed, routes) {
		t.Errorf("the table lists %v\nroutes.go registers %v", slices.Sorted(maps.Keys(listed)),
			slices.Sorted(maps.Keys(routes)))
	}
}

// open opens a lab that publishes nothing, until the test ends, and returns the
// URLs of its two addresses.
func open(t *testing.T) (lanes, control string) {
	settings := labtest.Quiet(1)
	settings.Profiles = true
	s := labtest.Start(t, settings)
	return "http://" + s.Lanes, "http://" + s.Control
}

// ask makes a request and returns the answer's header and error sentence.
func ask(t *testing.T, method, url string) (http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var said struct{ Error string }
	if err := json.Unmarshal(body, &said); err != nil {
		t.Errorf("%s %s: an answer that is no JSON: %q", method, url, body)
	}
	return resp.Header, said.Error
}
