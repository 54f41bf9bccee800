package polling

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"time"

	"fourwires/feed"
)

// maxBody is the most bytes that a client reads of a response's body.
const maxBody = 1 << 20

// Client reads a feed by polling.
type Client struct {
	// URL is the handler's, http://host/polling. Its query is kept: with ?after=0 a
	// client that has no cursor yet gets all messages that the feed has.
	URL string

	// Interval is the time from the start of one poll to the start of the next;
	// 0 means 2 s.
	Interval time.Duration

	// Dial opens a connection; for https it returns one whose TLS handshake is
	// done. Nil means net/http's own.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// HTTP2 makes the client speak HTTP/2 from the first byte on (RFC 9113,
	// section 3.3). Otherwise it speaks HTTP/1.1.
	HTTP2 bool

	// Cursor is where reading begins. The zero Cursor means from now on. Messages
	// moves it.
	Cursor feed.Cursor
}

// Messages polls the feed and yields its messages in order, from the cursor
// on; the cursor moves before each is yielded. It blocks between polls. It
// ends after the first error: that of ctx, a [*feed.GapError], a
// [*feed.EpochError], or an error of the connection. To resume, range once more.
//
// The polls of one range share a connection. Only one range at a time may use
// a Client.
func (c *Client) Messages(ctx context.Context) iter.Seq2[feed.Message, error] {
	return func(yield func(feed.Message, error) bool) {
		interval := c.Interval
		if interval <= 0 {
			interval = 2 * time.Second
		}
		transport := &http.Transport{
			DialContext: c.Dial, DialTLSContext: c.Dial,
			DisableCompression: true, Protocols: protocols(c.HTTP2),
		}
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
		next := time.NewTicker(interval)
		defer next.Stop()

		for {
			entries, head, err := c.get(ctx, client)
			if err != nil {
				yield(feed.Message{}, err)
				return
			}
			for _, entry := range entries {
				m, err := c.take(entry)
				if !yield(m, err) || err != nil {
					return
				}
			}
			if len(entries) > 0 && c.Cursor.ID < head {
				continue // there are more
			}
			select {
			case <-next.C:
			case <-ctx.Done():
				yield(feed.Message{}, ctx.Err())
				return
			}
		}
	}
}

// protocols returns the one version of HTTP that the client speaks.
func protocols(http2 bool) *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(!http2)
	p.SetHTTP2(http2)
	p.SetUnencryptedHTTP2(http2)
	return p
}

// get makes one request and returns the entries of the response, and the head that
// it names, or 0: it names the head where there are more entries.
func (c *Client) get(ctx context.Context, client *http.Client) (entries []json.RawMessage, head uint64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL, nil)
	if err != nil {
		return nil, 0, fmt.Errorf("polling: %w", err)
	}
	if c.Cursor != (feed.Cursor{}) {
		query := req.URL.Query()
		query.Set("after", c.Cursor.String())
		req.URL.RawQuery = query.Encode()
	}
	resp, err := client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, 0, ctx.Err()
		}
		return nil, 0, fmt.Errorf("polling: %w", err)
	}
	defer resp.Body.Close()

	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	switch {
	case ctx.Err() != nil:
		return nil, 0, ctx.Err()
	case err != nil:
		return nil, 0, fmt.Errorf("polling: %w", err)
	case resp.StatusCode == http.StatusNoContent:
		return nil, 0, nil
	case resp.StatusCode != http.StatusOK:
		return nil, 0, fmt.Errorf("polling: %s: %s", resp.Status, body)
	}
	var answer struct {
		Epoch    string            `json:"epoch"`
		Head     *uint64           `json:"head"`
		Messages []json.RawMessage `json:"messages"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Epoch == "" {
		return nil, 0, fmt.Errorf("polling: the answer is %.200q", body)
	}
	switch was := c.Cursor.Epoch; {
	case c.Cursor == (feed.Cursor{}) && len(answer.Messages) == 0:
		if answer.Head == nil {
			return nil, 0, fmt.Errorf("polling: the answer names no cursor: %.200q", body)
		}
		c.Cursor = feed.Cursor{Epoch: answer.Epoch, ID: *answer.Head}
	case was == "":
		c.Cursor.Epoch = answer.Epoch
	case was != answer.Epoch:
		c.Cursor = feed.Cursor{Epoch: answer.Epoch}
		return nil, 0, &feed.EpochError{Was: was, Is: answer.Epoch}
	}
	if answer.Head != nil {
		head = *answer.Head
	}
	return answer.Messages, head, nil
}

// take decodes an entry and moves the cursor past it.
func (c *Client) take(entry []byte) (feed.Message, error) {
	m, err := feed.Decode(entry)
	var gap *feed.GapError
	if err == nil {
		c.Cursor.ID = m.ID
	} else if errors.As(err, &gap) {
		c.Cursor.ID = gap.To
	}
	return m, err
}
