package experiments_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/docs/blocks"
	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/netsim"
	"fourwires/internal/source"
	"fourwires/internal/stats"
	"fourwires/polling"
)

// TestLive is the experiment of chapter 1: how old a page that is called live can be.
func TestLive(t *testing.T) {
	var report strings.Builder
	for _, part := range []struct {
		title, phase string
		lanes        []live
	}{
		{"a message every 0.5 s on average, at random instants", source.Poisson, []live{
			{"polling every 2 s", "polling", 2, 0.1},
			{"polling every 0.2 s", "polling", 0.2, 0.1},
			{"longpoll", "longpoll", 0, 0.1},
			{"sse", "sse", 0, 0.1},
			{"websocket", "websocket", 0, 0.1},
		}},
		{"a message every 0.5 s, evenly", source.Even, []live{
			{"polling every 2 s", "polling", 2, 0.1},
			{"the same, 0.3 s later", "polling", 2, 0.4},
			{"sse", "sse", 0, 0.1},
		}},
	} {
		fmt.Fprintf(&report, "%s; 10 minutes\n", part.title)
		fmt.Fprintf(&report, "%-21s messages requests  delay p10   p50   p90   max  age mean  peak\n", "(seconds)")
		for _, l := range part.lanes {
			l.watch(t, part.phase, &report)
		}
	}
	blocks.Printed(t, report.String())
}

// A live is a reader by some transport, which begins some seconds after the feed.
type live struct {
	label, transport string
	every, after     float64 // in seconds; every is the polling interval
}

// watch reads a feed for ten minutes, and writes a row of the report.
func (l live) watch(t *testing.T, phase string, report io.Writer) {
	const end = 600.001 // a message may be due at 600
	var requests int
	var all []news
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), seconds(end))
		defer cancel()
		start := time.Now()
		f := feed.New(feed.Keep)
		pump, err := source.New(f, source.Settings{Source: source.Market, Rate: 2, Phase: phase, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		found, _ := lab.Find(l.transport)
		network, handler := netsim.Listen(), found.Handler(f, nil)
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests++
			handler.ServeHTTP(w, r)
		})}
		var loops sync.WaitGroup
		loops.Go(func() { pump.Run(ctx) })
		loops.Go(func() { server.Serve(network) })

		time.Sleep(seconds(l.after)) // virtual
		messages := found.Client(lab.Access{URL: "http://lab/" + l.transport, Dial: network.Dial}).Messages
		if l.every > 0 {
			client := polling.Client{URL: "http://lab/polling", Dial: network.Dial, Interval: seconds(l.every)}
			messages = client.Messages
		}
		for m, err := range messages(ctx) {
			if err != nil {
				break // the ten minutes are over
			}
			all = append(all, news{time.UnixMicro(m.At).Sub(start).Seconds(), time.Since(start).Seconds()})
		}
		server.Close()
		loops.Wait()
	})
	var delays []float64
	for _, n := range all {
		delays = append(delays, n.seen-n.published)
	}
	slices.Sort(delays)
	mean, peak := ages(all, end)
	fmt.Fprintf(report, "%-21s %8d %8d %10.2f %5.2f %5.2f %5.2f %9.2f %5.2f\n",
		l.label, len(all), requests, stats.Quantile(delays, 0.1), stats.Quantile(delays, 0.5),
		stats.Quantile(delays, 0.9), stats.Quantile(delays, 1), mean, peak)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// The solution of chapter 1's exercise.

type news struct{ published, seen float64 } // in seconds

func ages(all []news, end float64) (mean, peak float64) {
	area := 0.0
	for i, n := range all {
		until := end // when n stops being the newest
		if i+1 < len(all) {
			until = all[i+1].seen
		}
		young, old := n.seen-n.published, until-n.published
		area += (young + old) / 2 * (until - n.seen)
		peak = max(peak, old)
	}
	return area / (end - all[0].seen), peak
}
