package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"fourwires/feed"
	"fourwires/sse"
)

const (
	minPause = time.Second // between two attempts
	maxPause = 30 * time.Second
)

// NewRelay returns the source relay, which publishes the events of the SSE stream at address. It logs failures, skipped
// events and the end. The error is one sentence on an address that is not valid.
func NewRelay(address string, log *slog.Logger) (Input, error) {
	r, err := newRelay(address, log)
	if err != nil {
		return Input{}, err
	}
	return Input{Relay, r.run}, nil
}

func newRelay(address string, log *slog.Logger) (*relay, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return nil, fmt.Errorf("url %q: must be http:// or https:// and a host, without a user", address)
	}
	return &relay{
		log: log.With("url", address), pause: pause,
		stream: sse.Stream{
			URL:    address,
			Header: http.Header{"User-Agent": {"fourwires-relay"}}, // public streams refuse a library's own
			Proxy:  http.ProxyFromEnvironment,
		},
	}, nil
}

// A relay publishes the events of a stream, which keeps the last event id from one run to the next.
type relay struct {
	stream sse.Stream
	log    *slog.Logger
	pause  func(retry time.Duration, attempts int) time.Duration // between two attempts
}

func (r *relay) run(ctx context.Context, f *feed.Feed) error {
	r.log.Info("relay: opening the stream")
	logged := "" // the last error in the log
	for attempt := 1; ; attempt++ {
		if strings.ContainsFunc(r.stream.LastID, unicode.IsControl) {
			r.forgetID("relay: no request can carry the last event id; the stream is read anew, there may be a gap")
		}
		begin, url := time.Now(), r.stream.URL
		events, skipped, err := r.follow(ctx, f)
		if r.stream.URL != url {
			r.log.Info("relay: the stream has moved for good", "to", r.stream.URL)
		}
		refused, _ := errors.AsType[*sse.RefusedError](err)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, feed.ErrClosed):
			return err
		case refused != nil && refused.Status == http.StatusNoContent:
			r.log.Info("relay has ended, the stream asks not to come again; the lab goes on")
			return nil
		case events > 0 || err.Error() != logged:
			logged = err.Error()
			r.log.Warn("relay: no stream, trying again", "err", err, "events", events, "skipped", skipped)
		}

		if refused != nil && concernsID(refused.Status) && r.stream.LastID != "" {
			r.forgetID("relay: refused with the last event id; the stream is read anew, there may be a gap")
		}
		if events > 0 || time.Since(begin) > maxPause {
			attempt = 1
		}
		select {
		case <-time.After(r.pause(r.stream.Retry, attempt)):
		case <-ctx.Done():
			return nil
		}
	}
}

// forgetID forgets the last event id, and logs why.
func (r *relay) forgetID(why string) {
	r.log.Warn(why, "id", fmt.Sprintf("%.64s", r.stream.LastID))
	r.stream.LastID = ""
}

// concernsID reports whether a status may be due to the last event id (RFC 9110, section 15.5): it is 4xx, but not
// about credentials, nor about the time of the request.
func concernsID(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusProxyAuthRequired,
		http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status/100 == 4
}

// follow publishes the events of the stream until it ends. It returns the number of events, that of the events that the
// feed did not accept, and why the stream ended.
func (r *relay) follow(ctx context.Context, f *feed.Feed) (events, skipped int, err error) {
	var event sse.Event
	for event, err = range r.stream.Events(ctx) {
		if err != nil && err != sse.ErrTooLong {
			break
		}
		if event.Type == "hello" || event.Type == "heartbeat" { // of another lab; they are no messages
			continue
		}
		if events++; events == 1 {
			r.log.Info("relay: the stream is there")
		}
		if err == nil {
			_, err = f.Publish(asJSON([]byte(event.Data)))
		}
		if errors.Is(err, feed.ErrClosed) {
			break
		}
		if err != nil {
			if skipped++; skipped == 1 {
				id := fmt.Sprintf("%.64s", event.ID)
				r.log.Warn("relay: an event is skipped, and so will be others like it", "id", id, "err", err)
			}
		}
	}
	return events, skipped, err
}

// pause returns how long to wait after that many attempts in a row without an event: a random time, at least a second
// or the stream's retry, and at most a bound that doubles each time, up to 30 s.
func pause(retry time.Duration, attempts int) time.Duration {
	least := min(max(retry, minPause), maxPause)
	most := min(least<<min(attempts, 5), maxPause)
	return least + rand.N(most-least+1)
}
