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
	minPause = time.Second // before a relay tries again
	maxPause = 30 * time.Second
)

// NewRelay returns the source relay, which publishes the events of the SSE
// stream at address. The error is one sentence on an address that is none.
func NewRelay(address string, log *slog.Logger) (Input, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return Input{}, fmt.Errorf("url %q: must be http:// or https:// and a host, without a user", address)
	}
	r := &relay{log: log.With("url", address), stream: sse.Stream{
		URL:    address,
		Header: http.Header{"User-Agent": {"fourwires-relay"}}, // public streams refuse a library's own
		Proxy:  http.ProxyFromEnvironment,
	}}
	return Input{Relay, r.run}, nil
}

// A relay keeps in its stream where the next run goes on.
type relay struct {
	stream sse.Stream
	log    *slog.Logger
}

func (r *relay) run(ctx context.Context, f *feed.Feed) error {
	r.log.Info("relay: opening the stream")
	told := "" // the last trouble that was logged
	for attempt := 1; ; attempt++ {
		if strings.ContainsFunc(r.stream.LastID, unicode.IsControl) {
			r.beginAnew("relay: no request can carry the last event id; the stream is read anew, there may be a gap")
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
		case events > 0 || err.Error() != told:
			told = err.Error()
			r.log.Warn("relay: no stream, trying again", "err", err, "events", events, "skipped", skipped)
		}

		if refused != nil && isLasting(refused.Status) && r.stream.LastID != "" {
			r.beginAnew("relay: refused with the last event id; the stream is read anew, there may be a gap")
		}
		if events > 0 || time.Since(begin) > maxPause {
			attempt = 1
		}
		select {
		case <-time.After(r.pause(attempt)):
		case <-ctx.Done():
			return nil
		}
	}
}

// beginAnew gives up the place where the stream would go on, and says so.
func (r *relay) beginAnew(why string) {
	r.log.Warn(why, "id", fmt.Sprintf("%.64s", r.stream.LastID))
	r.stream.LastID = ""
}

// isLasting reports whether the same request would be refused again (RFC 9110,
// section 15.5): not for want of credentials, and not for the time at which it came.
func isLasting(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusProxyAuthRequired,
		http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status/100 == 4
}

// follow publishes the events of the stream until that ends, and returns how
// many came, how many of them the feed did not take, and why the stream ended.
func (r *relay) follow(ctx context.Context, f *feed.Feed) (events, skipped int, err error) {
	var event sse.Event
	for event, err = range r.stream.Events(ctx) {
		if err != nil && err != sse.ErrTooLong {
			break
		}
		if event.Type == "hello" || event.Type == "heartbeat" { // another lab's; they are no messages
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

// pause returns how long to wait after so many attempts in a row that brought
// nothing: at random, but no less than the stream asked for or a second, and no
// more than a bound that doubles each time, up to 30 s.
func (r *relay) pause(attempts int) time.Duration {
	least := min(max(r.stream.Retry, minPause), maxPause)
	most := min(least<<min(attempts, 5), maxPause)
	return least + rand.N(most-least+1)
}
