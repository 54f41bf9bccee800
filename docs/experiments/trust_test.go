package experiments_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fourwires/docs/blocks"
	"fourwires/internal/netsim"

	gorilla "github.com/gorilla/websocket"
)

const (
	ownOrigin     = "http://lab.example"
	foreignOrigin = "http://elsewhere.example"
	sessionCookie = "a session"
	bearer        = "a token"
)

// A door decides who may open a WebSocket.
type door struct {
	title string
	opens func(r *http.Request) bool
	first bool // it opens to every request, and judges the first message
}

// TestTrust is the experiment of chapter 9: which door lets which client in.
func TestTrust(t *testing.T) {
	var report strings.Builder
	fmt.Fprintf(&report, "%-30s %10s %14s %18s %16s\n", "who gets in", "own page", "foreign page", "script, no cookie",
		"reads the log")
	var given tickets
	for _, d := range []door{
		{title: "no check", opens: func(*http.Request) bool { return true }},
		{title: "Origin", opens: fromOwnPage},
		{title: "cookie", opens: hasSession},
		{title: "Origin and cookie", opens: func(r *http.Request) bool { return fromOwnPage(r) && hasSession(r) }},
		{title: "token in the URL", opens: func(r *http.Request) bool { return r.FormValue("token") == bearer }},
		{title: "ticket in the URL, once", opens: func(r *http.Request) bool { return given.redeem(r.FormValue("ticket")) }},
		{title: "token in the first message", first: true},
	} {
		house := d.build(t)
		query := ""
		switch { // what the own page has requested before, with its cookie
		case strings.HasPrefix(d.title, "token in the URL"):
			query = "?token=" + strings.ReplaceAll(bearer, " ", "+")
		case strings.HasPrefix(d.title, "ticket"):
			query = "?ticket=" + given.give()
		}
		fmt.Fprintf(&report, "%-30s %10s %14s %18s %16s\n", d.title,
			house.knock(t, query, ownOrigin, sessionCookie, bearer),
			house.knock(t, "", foreignOrigin, sessionCookie, ""), // the browser adds the cookie
			house.knock(t, "", ownOrigin, "", ""),                // a script can send any Origin
			house.knock(t, house.log[0], ownOrigin, "", ""))
		house.close()
	}
	blocks.Printed(t, report.String())
}

func fromOwnPage(r *http.Request) bool { return r.Header.Get("Origin") == ownOrigin }

func hasSession(r *http.Request) bool {
	cookie, err := r.Cookie("session")
	return err == nil && cookie.Value == sessionCookie
}

// tickets are given to a page that requests one with its session's cookie, by a request that pages of other origins
// cannot make. Each is valid once, for ten seconds.
type tickets struct {
	mu    sync.Mutex
	until map[string]time.Time
}

func (t *tickets) give() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.until == nil {
		t.until = map[string]time.Time{}
	}
	maps.DeleteFunc(t.until, func(_ string, until time.Time) bool { return time.Now().After(until) })
	ticket := rand.Text()
	t.until[ticket] = time.Now().Add(10 * time.Second)
	return ticket
}

func (t *tickets) redeem(ticket string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	until, given := t.until[ticket]
	delete(t.until, ticket) // once
	return given && time.Now().Before(until)
}

// A house is a server with one door. It sends "welcome" to the clients that are let in.
type house struct {
	log    []string // the query of each request, as servers log it
	memory *netsim.Memory
	close  func()
}

func (d door) build(t *testing.T) *house {
	h := &house{memory: new(netsim.Network).Memory()}
	upgrader := gorilla.Upgrader{CheckOrigin: func(*http.Request) bool { return true }} // the door decides
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.log = append(h.log, "?"+r.URL.RawQuery)
		if !d.first && !d.opens(r) {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		if d.first {
			conn.SetReadDeadline(time.Now().Add(5 * time.Second)) // nobody is waited for longer
			if _, word, err := conn.ReadMessage(); err != nil || string(word) != bearer {
				return
			}
		}
		conn.WriteMessage(gorilla.TextMessage, []byte("welcome"))
	})}
	served := make(chan error)
	go func() { served <- server.Serve(h.memory) }()
	h.close = func() {
		server.Close()
		<-served
	}
	return h
}

// knock opens a WebSocket, sends a first message, and reports whether it is let in.
func (h *house) knock(t *testing.T, query, origin, cookie, word string) string {
	header := http.Header{"Origin": {origin}}
	if cookie != "" {
		header.Set("Cookie", `session="`+cookie+`"`)
	}
	dialer := gorilla.Dialer{NetDialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		return h.memory.Dial(ctx, network, addr)
	}}
	conn, answer, err := dialer.DialContext(t.Context(), "ws://lab.example/"+query, header)
	if err != nil {
		if answer == nil || answer.StatusCode != http.StatusForbidden {
			t.Error(err)
		} else {
			io.Copy(io.Discard, answer.Body)
		}
		return "–"
	}
	defer conn.Close()
	conn.WriteMessage(gorilla.TextMessage, []byte(word))
	if _, answer, err := conn.ReadMessage(); err != nil || !slices.Equal(answer, []byte("welcome")) {
		return "–"
	}
	return "in"
}
