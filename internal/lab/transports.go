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
	Client  func(url string, dial Dial, after feed.Cursor) Client
}

// Sent is told by a handler, after each write, what it carried. It may be nil.
type Sent = func(msgs []feed.Message, gaps int)

// Dial opens a connection, like net.Dialer's DialContext.
type Dial = func(ctx context.Context, network, addr string) (net.Conn, error)

// A Client is any of the four clients: what they all have.
type Client struct {
	Messages func(context.Context) iter.Seq2[feed.Message, error]
	Cursor   *feed.Cursor
}

// Transports are the four, in the order in which they are always named.
var Transports = []Transport{
	{
		Name:    "polling",
		Query:   []string{"after"},
		Handler: func(f *feed.Feed, sent Sent) http.Handler { return &polling.Handler{Feed: f, Sent: sent} },
		Client: func(url string, dial Dial, after feed.Cursor) Client {
			c := &polling.Client{URL: url, Dial: dial, Cursor: after}
			return Client{c.Messages, &c.Cursor}
		},
	},
	{
		Name:    "longpoll",
		Query:   []string{"after", "wait"},
		Handler: func(f *feed.Feed, sent Sent) http.Handler { return &longpoll.Handler{Feed: f, Sent: sent} },
		Client: func(url string, dial Dial, after feed.Cursor) Client {
			c := &longpoll.Client{URL: url, Dial: dial, Cursor: after}
			return Client{c.Messages, &c.Cursor}
		},
	},
	{
		Name:    "sse",
		Stream:  true,
		Query:   []string{"after", "heartbeat"},
		Handler: func(f *feed.Feed, sent Sent) http.Handler { return &sse.Handler{Feed: f, Sent: sent} },
		Client: func(url string, dial Dial, after feed.Cursor) Client {
			c := &sse.Client{URL: url, Dial: dial, Cursor: after}
			return Client{c.Messages, &c.Cursor}
		},
	},
	{
		Name:    "websocket",
		Stream:  true,
		Query:   []string{"after", "heartbeat"},
		Handler: func(f *feed.Feed, sent Sent) http.Handler { return &websocket.Handler{Feed: f, Sent: sent} },
		Client: func(url string, dial Dial, after feed.Cursor) Client {
			c := &websocket.Client{URL: url, Dial: dial, Cursor: after}
			return Client{c.Messages, &c.Cursor}
		},
	},
}
