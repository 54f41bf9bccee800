package lab

import (
	"context"
	"iter"
	"net"
	"net/http"

	"fourwires/feed"
	"fourwires/longpoll"
	"fourwires/polling"
	"fourwires/sse"
	"fourwires/websocket"
)

// A Transport is one of the four ways from the feed to a client.
type Transport struct {
	Name   string   // its package, and behind a slash its path
	Stream bool     // its answer does not end by itself
	Query  []string // the query names that it reads

	Handler func(*feed.Feed, Sent) http.Handler
	Client  func(Access) Client
}

// An Access is how a client comes to a feed. The clients' packages say what
// each field means.
type Access struct {
	URL    string
	Dial   Dial
	Cursor feed.Cursor
	HTTP2  bool // a WebSocket opens its connection by HTTP/1.1 nevertheless

	// Compress has it accept compression: gzip on SSE, deflate on a WebSocket. The
	// others have none.
	Compress bool
}

// Sent is told by a handler, after each write, what it carried. It may be nil.
type Sent = func(msgs []feed.Message, gaps int)

// Dial opens a connection, like net.Dialer's DialContext.
type Dial = func(ctx context.Context, network, addr string) (net.Conn, error)

// A Client is any of the four clients: what they all have.
type Client struct {
	Messages func(context.Context) iter.Seq2[feed.Message, error]
	Cursor   *feed.Cursor
	Send     func(ctx context.Context, data []byte) error // nil: by POST /publish
}

// Transports are the four, in the order in which they are always named.
var Transports = []Transport{
	{
		Name:    "polling",
		Query:   []string{"after"},
		Handler: func(f *feed.Feed, sent Sent) http.Handler { return &polling.Handler{Feed: f, Sent: sent} },
		Client: func(a Access) Client {
			c := &polling.Client{URL: a.URL, Dial: a.Dial, Cursor: a.Cursor, HTTP2: a.HTTP2}
			return Client{Messages: c.Messages, Cursor: &c.Cursor}
		},
	},
	{
		Name:    "longpoll",
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
