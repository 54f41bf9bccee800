package experiments_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/internal/netsim"
	"fourwires/sse"

	"github.com/gorilla/websocket"
)

// The code of howto.md: a server with users, which the lab has not.

// issue responds to a POST of a signed-in user with a ticket. It is for clients that cannot send a header of their own:
// an EventSource, and a browser's WebSocket.
func (t *tickets) issue(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(map[string]string{"ticket": t.give()})
}

// admit passes on requests that have a valid ticket. A ticket is valid once.
func (t *tickets) admit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !t.redeem(r.FormValue("ticket")) {
			http.Error(w, "no such ticket", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// signedIn passes on requests that have the cookie of a session. For a page of another site the browser sends it too, so
// a WebSocket has to check Origin as well.
func signedIn(session func(id string) bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookie, err := r.Cookie("session")
		if err != nil || !session(cookie.Value) {
			http.Error(w, "sign in first", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// authenticate reads the first frame of a WebSocket, which has to be a token, within five seconds. Before that the
// client is sent nothing.
func authenticate(conn *websocket.Conn, good func(token string) bool) error {
	conn.SetReadLimit(4096)
	conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	_, frame, err := conn.ReadMessage()
	var first struct{ Token string }
	if err == nil {
		err = json.Unmarshal(frame, &first)
	}
	if err == nil && !good(first.Token) {
		err = errors.New("no such token")
	}
	if err != nil {
		why := websocket.FormatCloseMessage(websocket.ClosePolicyViolation, "sign in first")
		conn.WriteControl(websocket.CloseMessage, why, time.Now().Add(time.Second))
		conn.Close()
		return err
	}
	return conn.SetReadDeadline(time.Time{})
}

// TestAuth serves with each of them, and requests with good and bad credentials.
func TestAuth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := feed.New(feed.Keep)
		f.Publish([]byte(`"news"`))
		tickets := new(tickets)
		session := func(id string) bool { return id == "42" }
		mux := http.NewServeMux()
		stream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // sse.Handler is not given ticket=
			r.URL.RawQuery = "after=0"
			(&sse.Handler{Feed: f}).ServeHTTP(w, r)
		})
		mux.Handle("POST /ticket", signedIn(session, http.HandlerFunc(tickets.issue)))
		mux.Handle("GET /cookie", signedIn(session, stream))
		mux.Handle("GET /ticket", tickets.admit(stream))
		status := func(method, target, cookie string) (int, string) {
			ctx, leave := context.WithCancel(t.Context())
			defer time.AfterFunc(time.Second, leave).Stop() // virtual
			r := httptest.NewRequestWithContext(ctx, method, target, nil)
			if cookie != "" {
				r.AddCookie(&http.Cookie{Name: "session", Value: cookie})
			}
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			return w.Code, w.Body.String()
		}
		buy := func() string {
			_, body := status("POST", "/ticket", "42")
			var answer struct{ Ticket string }
			if err := json.Unmarshal([]byte(body), &answer); err != nil || len(answer.Ticket) < 20 {
				t.Fatalf("a ticket: %q, %v", body, err)
			}
			return answer.Ticket
		}
		once, late := buy(), buy()
		for _, test := range []struct {
			method, target, cookie string
			want                   int
		}{
			{"GET", "/cookie", "", 401},
			{"GET", "/cookie", "41", 401},
			{"GET", "/cookie", "42", 200},
			{"POST", "/ticket", "", 401},
			{"GET", "/ticket", "42", 401},
			{"GET", "/ticket?ticket=" + once, "", 200},
			{"GET", "/ticket?ticket=" + once, "", 401},
		} {
			code, body := status(test.method, test.target, test.cookie)
			if code != test.want || code == 200 && !strings.Contains(body, "news") {
				t.Errorf("%s %s, cookie %q: %d %q, want %d",
					test.method, test.target, test.cookie, code, body, test.want)
			}
		}
		time.Sleep(time.Minute) // virtual
		if code, _ := status("GET", "/ticket?ticket="+late, ""); code != 401 {
			t.Errorf("an old ticket: %d", code)
		}
		if buy(); len(tickets.until) != 1 {
			t.Errorf("%d tickets are kept", len(tickets.until))
		}

		// The first message.
		memory := netsim.Listen()
		upgrader := websocket.Upgrader{}
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, err := upgrader.Upgrade(w, r, nil)
			if err != nil {
				t.Error(err)
				return
			}
			if authenticate(conn, func(token string) bool { return token == "good" }) == nil {
				conn.WriteMessage(websocket.TextMessage, []byte(`"news"`))
				conn.ReadMessage()
				conn.Close()
			}
		})}
		go server.Serve(memory)
		dialer := websocket.Dialer{NetDialContext: memory.Dial}
		for _, test := range []struct {
			first string // "": nothing
			took  time.Duration
			good  bool
		}{
			{`{"token":"good"}`, 0, true},
			{`{"token":"bad"}`, 0, false},
			{`good`, 0, false},
			{"", 5 * time.Second, false},
		} {
			conn, _, err := dialer.DialContext(t.Context(), "ws://lab/", nil)
			if err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			if test.first != "" {
				conn.WriteMessage(websocket.TextMessage, []byte(test.first))
			}
			_, frame, err := conn.ReadMessage()
			good := err == nil && string(frame) == `"news"`
			refused := websocket.IsCloseError(err, websocket.ClosePolicyViolation)
			if took := time.Since(begun); good != test.good || took != test.took || !good && !refused {
				t.Errorf("%q first: %q, %v, after %v", test.first, frame, err, took)
			}
			conn.Close()
		}
		server.Close()
	})
}
