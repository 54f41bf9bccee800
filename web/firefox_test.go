package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"fourwires/internal/needs"
)

// A Firefox is driven by WebDriver BiDi (W3C): commands and events as JSON, on one
// WebSocket. This is as much of it as the tests need.
type firefox struct {
	conn    *websocket.Conn
	process *exec.Cmd
	profile string
	read    chan struct{} // closed when nothing more is read

	mu      sync.Mutex
	ids     int
	answers map[int]chan answerBiDi
	tabs    map[string]*tab // by browsing context
}

type answerBiDi struct {
	ID             int
	Type           string // success, error or event
	Result, Params json.RawMessage
	Method         string
	Error, Message string
}

// theFirefox is the one of all tests; each test gets a window of its own in it, that
// shares nothing with the others.
var theFirefox struct {
	mu sync.Mutex
	*firefox
}

// startFirefox returns the Firefox that FIREFOX names, or the first that is installed. Without one, and with -short, the
// test is skipped as package needs has it.
func startFirefox(t testing.TB) *firefox {
	t.Helper()
	needs.Process(t)
	theFirefox.mu.Lock()
	defer theFirefox.mu.Unlock()
	if theFirefox.firefox != nil {
		return theFirefox.firefox
	}
	path := os.Getenv("FIREFOX")
	if path == "" {
		path = needs.Program(t, "apt-get install firefox-esr, or name yours: FIREFOX=/path/to/firefox go test …", "firefox-esr", "firefox")
	}
	f, err := newFirefox(path)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	theFirefox.firefox = f
	return f
}

// preferences have Firefox draw four times a second, as [slowScreen] does, and start without its own pages.
const preferences = `
user_pref("layout.frame_rate", 4);
user_pref("browser.newtabpage.enabled", false);
user_pref("browser.startup.page", 0);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("toolkit.telemetry.enabled", false);
`

func newFirefox(path string) (f *firefox, err error) {
	profile, err := os.MkdirTemp("", "firefox-")
	if err != nil {
		return nil, err
	}
	f = &firefox{profile: profile, read: make(chan struct{}), answers: map[int]chan answerBiDi{}, tabs: map[string]*tab{}}
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(preferences), 0o600); err != nil {
		return nil, err
	}
	f.process = exec.Command(path, "--headless", "--no-remote", "--remote-debugging-port=0", "--profile", profile)
	f.process.Env = append(os.Environ(), "HOME="+profile)
	told, err := f.process.StderrPipe()
	if err == nil {
		err = f.process.Start()
	}
	if err != nil {
		return nil, err
	}
	late := time.AfterFunc(patience, func() { f.process.Process.Kill() })
	defer func() {
		if late.Stop(); err != nil {
			f.process.Process.Kill()
			os.RemoveAll(profile)
		}
	}()
	address := ""
	lines := bufio.NewScanner(told)
	for address == "" && lines.Scan() {
		_, address, _ = strings.Cut(lines.Text(), "WebDriver BiDi listening on ")
	}
	if address == "" {
		return nil, errors.Join(errors.New("it does not say where it listens"), f.process.Wait())
	}
	go func() { // so that it never waits to be read
		for lines.Scan() {
		}
	}()
	if f.conn, _, err = websocket.DefaultDialer.Dial(address+"/session", nil); err != nil {
		return nil, err
	}
	go f.hear()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err = f.call(ctx, "session.new", map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{"acceptInsecureCerts": true}}})
	if err == nil {
		_, err = f.call(ctx, "session.subscribe", map[string]any{"events": []string{"log.entryAdded", "network.beforeRequestSent"}})
	}
	return f, err
}

func closeFirefox() {
	f := theFirefox.firefox
	if f == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	f.call(ctx, "browser.close", nil)
	f.process.Wait()
	f.conn.Close()
	<-f.read
	os.RemoveAll(f.profile)
}

// hear takes answers to whoever waits for them, and events to their tab.
func (f *firefox) hear() {
	defer close(f.read)
	for {
		var a answerBiDi
		if f.conn.ReadJSON(&a) != nil {
			return
		}
		f.mu.Lock()
		waits := f.answers[a.ID]
		delete(f.answers, a.ID)
		f.mu.Unlock()
		if a.Type == "event" {
			f.event(a)
		} else if waits != nil {
			waits <- a
		}
	}
}

// event is told of what a page must not do, as [tab.listen] is.
func (f *firefox) event(a answerBiDi) {
	var p struct {
		Context string
		Source  struct{ Context string }
		Text    string
		Level   string
		Request struct{ URL string }
	}
	json.Unmarshal(a.Params, &p)
	f.mu.Lock()
	tab := f.tabs[p.Context+p.Source.Context]
	f.mu.Unlock()
	if tab == nil {
		return
	}
	tab.mu.Lock()
	defer tab.mu.Unlock()
	if u, err := url.Parse(p.Request.URL); a.Method == "network.beforeRequestSent" && (err != nil || u.Scheme != "about" && u.Scheme != "data") { // which asks no host
		tab.request(p.Request.URL)
	}
	if a.Method == "log.entryAdded" {
		tab.console(p.Level, p.Text)
	}
}

// call sends a command and returns its result.
func (f *firefox) call(ctx context.Context, method string, params map[string]any) (json.RawMessage, error) {
	if params == nil {
		params = map[string]any{}
	}
	answer := make(chan answerBiDi, 1)
	f.mu.Lock()
	f.ids++
	id := f.ids
	f.answers[id] = answer
	err := f.conn.WriteJSON(map[string]any{"id": id, "method": method, "params": params})
	f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case a := <-answer:
		if a.Type == "error" {
			return nil, fmt.Errorf("%s: %s: %s", method, a.Error, a.Message)
		}
		return a.Result, nil
	case <-f.read:
		return nil, errors.New("Firefox has ended")
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: %w", method, ctx.Err())
	}
}

// firefoxTab is [newTab] in Firefox.
func firefoxTab(t testing.TB, hosts ...string) *tab {
	t.Helper()
	f := startFirefox(t)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	must := func(result json.RawMessage, err error) (is struct{ UserContext, Context string }) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		json.Unmarshal(result, &is)
		return is
	}
	profile := must(f.call(ctx, "browser.createUserContext", nil)).UserContext
	id := must(f.call(ctx, "browsingContext.create", map[string]any{"type": "window", "userContext": profile})).Context
	tab := &tab{t: t, ctx: context.Background(), hosts: hosts, firefox: f, context: id}
	f.mu.Lock()
	f.tabs[id] = tab
	f.mu.Unlock()
	t.Cleanup(func() {
		tab.end()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		f.call(ctx, "browsingContext.close", map[string]any{"context": id})
		f.call(ctx, "browser.removeUserContext", map[string]any{"userContext": profile})
		f.mu.Lock()
		delete(f.tabs, id)
		f.mu.Unlock()
	})
	return tab
}

// evaluate returns the value of a JavaScript expression, or what its promise gives, as JSON.
func (f *firefox) evaluate(ctx context.Context, tab, js string) (json.RawMessage, error) {
	result, err := f.call(ctx, "script.evaluate", map[string]any{
		"expression":   "(async () => JSON.stringify(await (" + js + "\n)))()",
		"target":       map[string]any{"context": tab},
		"awaitPromise": true,
	})
	if err != nil {
		return nil, err
	}
	var is struct {
		Result           struct{ Value string }
		ExceptionDetails *struct{ Text string }
	}
	if err := json.Unmarshal(result, &is); err != nil {
		return nil, err
	}
	if is.ExceptionDetails != nil {
		return nil, errors.New(is.ExceptionDetails.Text)
	}
	return json.RawMessage(is.Result.Value), nil
}

// preload has each page that a tab opens run a script before its own.
func (f *firefox) preload(ctx context.Context, tab, js string) error {
	_, err := f.call(ctx, "script.addPreloadScript", map[string]any{"contexts": []string{tab}, "functionDeclaration": "() => {" + js + "\n}"})
	return err
}

// navigate opens an address.
func (f *firefox) navigate(ctx context.Context, tab, address string) error {
	_, err := f.call(ctx, "browsingContext.navigate", map[string]any{"context": tab, "url": address, "wait": "complete"})
	return err
}

// inBoth runs a test in Chromium and in Firefox, side by side with all others: newTab returns a tab.
func inBoth(t *testing.T, test func(t *testing.T, newTab opener)) {
	t.Parallel()
	t.Run("chromium", func(t *testing.T) {
		chromium(t)
		t.Parallel()
		test(t, newTab)
	})
	t.Run("firefox", func(t *testing.T) {
		startFirefox(t)
		t.Parallel()
		test(t, firefoxTab)
	})
}

// An opener returns a tab whose page may talk to these origins alone.
type opener func(t testing.TB, hosts ...string) *tab
