package sse

import (
	"context"
	"fmt"
	"iter"
	"net"

	"fourwires/feed"
)

// Client reads a feed from a stream of events.
type Client struct {
	// URL is the handler's, http://host/sse. Its query is kept, ?heartbeat= too:
	// with ?after=0 a client that has no cursor yet gets all messages that the feed
	// has.
	URL string

	// Dial opens a connection; for https it returns one whose TLS handshake is
	// done. Nil means net/http's own.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// HTTP2 makes the client speak HTTP/2 from the first byte on (RFC 9113,
	// section 3.3). Otherwise it speaks HTTP/1.1.
	HTTP2 bool

	// Gzip makes the client accept a compressed stream.
	Gzip bool

	// Cursor is where reading begins. The zero Cursor means from now on. Messages
	// moves it.
	Cursor feed.Cursor
}

// Messages opens a stream and yields its messages in order, from the cursor
// on; the cursor moves before each is yielded. It blocks between events. It
// ends after the first error: that of ctx, a [*feed.GapError], a
// [*feed.EpochError], or an error of the connection, such as [ErrSilent] or the end
// of the stream, io.EOF. To resume, range once more.
//
// Each range has a connection of its own. Only one range at a time may use a
// Client.
func (c *Client) Messages(ctx context.Context) iter.Seq2[feed.Message, error] {
	return func(yield func(feed.Message, error) bool) {
		stream := &Stream{URL: c.URL, Dial: c.Dial, HTTP2: c.HTTP2, Gzip: c.Gzip}
		if c.Cursor != (feed.Cursor{}) {
			stream.LastID = c.Cursor.String()
		}
		for event, err := range stream.Events(ctx) {
			if moved := c.move(stream.LastID); moved != nil {
				err = moved
			}
			if err != nil {
				yield(feed.Message{}, err)
				return
			}
			if event.Type == "hello" || event.Type == "heartbeat" {
				continue
			}
			m, err := feed.Decode([]byte(event.Data))
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}

// move sets the cursor to the stream's last event id.
func (c *Client) move(lastID string) error {
	cursor, err := feed.ParseCursor(lastID)
	if err != nil {
		if lastID == "" { // the stream has not set one yet
			return nil
		}
		return fmt.Errorf("sse: id %q: %w", lastID, err)
	}
	was := c.Cursor.Epoch
	if was != "" && was != cursor.Epoch {
		c.Cursor = feed.Cursor{Epoch: cursor.Epoch}
		return &feed.EpochError{Was: was, Is: cursor.Epoch}
	}
	c.Cursor = cursor
	return nil
}
