package lab

import (
	"context"
	"iter"
	"net"
	"net/http"
	"slices"
	"time"

	"fourwires/feed"
	"fourwires/longpoll"
	"fourwires/polling"
	"fourwires/sse"
	"fourwires/websocket"
)

// A Transport brings the feed to a client by one protocol.
type Transport struct {
	Name     string   // its package, and behind a slash its path
	Stream   bool     // its response does not end by itself
	HTTP2    bool     // its client can speak HTTP/2; the others speak HTTP/1.1 only
	Interval bool     // its client asks at an interval
	Query    []string // the query names that it reads

	Handler func(*feed.Feed, Sent) http.Handler
	Client  func(Access) Client
}

// An Access is how a client reaches a feed. The clients' packages say what each field means.
type Access struct {
	URL    string
	Dial   Dial
	Cursor feed.Cursor

	// HTTP2 has a client speak HTTP/2, for a transport with [Transport.HTTP2].
	HTTP2 bool

	// Interval is the time between polls, for a transport with [Transport.Interval]. 0 is 2 s.
	Interval time.Duration

	// Compress has a client accept compression: gzip on SSE, deflate on a WebSocket. The others have none.
	Compress bool
}

// Sent is called by a handler after each write, with the messages and the number of gaps in it. It may be nil.
type Sent = func(msgs []feed.Message, gaps int)

// Dial opens a connection, like net.Dialer's DialContext.
type Dial = func(ctx context.Context, network, addr string) (net.Conn, error)

// A Client is what the four clients have in common.
type Client struct {
	Messages func(context.Context) iter.Seq2[feed.Message, error]
	Cursor   *feed.Cursor
	Send     func(ctx context.Context, data []byte) error // nil: by POST /publish
}

// Find returns the transport of this name, if there is one.
func Find(name string) (t Transport, found bool) {
	i := slices.IndexFunc(Transports, func(t Transport) bool { return t.Name == name })
	if i < 0 {
		return Transport{}, false
	}
	return Transports[i], true
}

// Transports are the four, in the order in which they are always named.
var Transports = []Transport{
	{
		Name:     "polling",
		HTTP2:    true,
		Interval: true,
		Query:    []string{"after"},
		Handler:  func(f *feed.Feed, sent Sent) http.Handler { return &polling.Handler{Feed: f, Sent: sent} },
		Client: func(a Access) Client {
			c := &polling.Client{URL: a.URL, Dial: a.Dial, Cursor: a.Cursor, HTTP2: a.HTTP2, Interval: a.Interval}
			return Client{Messages: c.Messages, Cursor: &c.Cursor}
		},
	},
	{
		Name:    "longpoll",
		HTTP2:   true,
		Query:   []string{"after", "wait"},
		Handler: func(f *feed.Feed, sent Sent) http.Handler { return &longpoll.Handler{Feed: f, Sent: sent} },
		Client: func(a Access) Client {
			c := &longpoll.Client{URL: a.URL, Dial: a.Dial, Cursor: a.Cursor, HTTP2: a.HTTP2}
			return Client{Messages: c.Messages, Cursor: &c.Cursor}
		},
	},
	{
		Name:    "sse",
		Stream:  true,
		HTTP2:   true,
		Query:   []string{"after", "heartbeat"},
		Handler: func(f *feed.Feed, sent Sent) http.Handler { return &sse.Handler{Feed: f, Sent: sent} },
		Client: func(a Access) Client {
			c := &sse.Client{URL: a.URL, Dial: a.Dial, Cursor: a.Cursor, HTTP2: a.HTTP2, Gzip: a.Compress}
			return Client{Messages: c.Messages, Cursor: &c.Cursor}
		},
	},
	{
		Name:    "websocket",
		Stream:  true,
		Query:   []string{"after", "heartbeat"},
		Handler: func(f *feed.Feed, sent Sent) http.Handler { return &websocket.Handler{Feed: f, Sent: sent} },
		Client: func(a Access) Client {
			c := &websocket.Client{URL: a.URL, Dial: a.Dial, Cursor: a.Cursor, Deflate: a.Compress}
			return Client{Messages: c.Messages, Cursor: &c.Cursor, Send: c.Send}
		},
	},
}
