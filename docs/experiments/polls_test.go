package experiments_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"fourwires/docs/blocks"
	"fourwires/internal/stats"
)

// random returns instants from half a second on, independent of each other, rate a second on average.
func random(rate float64, until time.Duration) (all []time.Duration) {
	draw := rand.New(rand.NewPCG(1, 1))
	for at := 500 * ms; ; {
		if at += time.Duration(draw.ExpFloat64() / rate * float64(time.Second)); at >= until {
			return all
		}
		all = append(all, at)
	}
}

// delays returns the delays of the messages that arrived, sorted.
func (tr *trace) delays() (delays []time.Duration) {
	for id, at := range tr.received {
		delays = append(delays, at-tr.published[id])
	}
	slices.Sort(delays)
	return delays
}

// TestPolls is the experiment of chapter 3: how many polls bring news, what they cost, and how late messages are.
func TestPolls(t *testing.T) {
	var report strings.Builder
	for _, f := range []struct {
		title     string
		rate      float64
		until     time.Duration
		intervals []time.Duration
	}{
		{"2 messages a second on average, at random instants; 10 minutes", 2, 10 * time.Minute,
			[]time.Duration{200 * ms, 500 * ms, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second}},
		{"a message a minute on average; 10 hours", 1.0 / 60, 10 * time.Hour,
			[]time.Duration{2 * time.Second, time.Minute}},
	} {
		fmt.Fprintf(&report, "%s\n", f.title)
		fmt.Fprintf(&report, "poll every   polls with news   by chance   messages   B/message    late p10   p50   p90   max\n")
		for _, interval := range f.intervals {
			tr := transport("polling", interval, random(f.rate, f.until), f.until+2*interval).record(t)
			polls, useful, bytes := 0, 0, 0
			for _, flight := range tr.flights {
				bytes += len(flight.data)
				if flight.up {
					polls++
				} else if strings.Contains(flight.name(), " message") && !strings.Contains(flight.name(), "no ") {
					useful++
				}
			}
			delays := tr.delays()
			fmt.Fprintf(&report, "%-10v %7d %8.0f %% %9.0f %% %10d %11.0f %11.2f %5.2f %5.2f %5.2f\n", interval,
				polls, 100*float64(useful)/float64(polls), 100*(1-math.Exp(-f.rate*interval.Seconds())),
				len(delays), float64(bytes)/float64(len(delays)),
				stats.Quantile(delays, 0.1).Seconds(), stats.Quantile(delays, 0.5).Seconds(),
				stats.Quantile(delays, 0.9).Seconds(), stats.Quantile(delays, 1).Seconds())
		}
	}
	blocks.Printed(t, report.String())
}

// TestRearm is the experiment of chapter 4: how often a message falls into the re-arm gap, in which no request waits.
func TestRearm(t *testing.T) {
	var report strings.Builder
	fmt.Fprintf(&report, "long-polling, 50 ms each way; about 2 000 messages, at random instants\n")
	fmt.Fprintf(&report, "messages/s   after one trip   late p50    p90    p99    max (ms)   requests a message\n")
	for _, rate := range []float64{0.2, 2, 10, 50, 200} {
		until := time.Duration(2000 / rate * float64(time.Second))
		tr := transport("longpoll", 0, random(rate, until), until+time.Second).record(t)
		requests := 0
		for _, flight := range tr.flights {
			if flight.up {
				requests++
			}
		}
		delays := tr.delays()
		atOnce, _ := slices.BinarySearch(delays, 50*ms+1)
		in := func(q float64) float64 { return float64(stats.Quantile(delays, q)) / float64(ms) }
		fmt.Fprintf(&report, "%10g %14.0f %% %10.0f %6.0f %6.0f %6.0f %21.2f\n",
			rate, 100*float64(atOnce)/float64(len(delays)), in(0.5), in(0.9), in(0.99), in(1), float64(requests)/float64(len(delays)))
	}
	blocks.Printed(t, report.String())
}

// TestGap is an exercise of chapter 4: messages in one re-arm gap, and in the next.
func TestGap(t *testing.T) {
	var report strings.Builder
	fmt.Fprintf(&report, "long-polling, 50 ms each way (ms)\n")
	for _, third := range []time.Duration{20 * ms, 120 * ms, 201 * ms} {
		const first = time.Second
		tr := transport("longpoll", 0, []time.Duration{first, first + 10*ms, first + third}, 2*time.Second).record(t)
		fmt.Fprintf(&report, "published at 0 10 %d: late by", third/ms)
		for id := range uint64(3) {
			fmt.Fprintf(&report, " %d", (tr.received[id+1]-tr.published[id+1])/ms)
		}
		fmt.Fprintln(&report)
	}
	blocks.Printed(t, report.String())
}

// TestForgetful is the experiment of chapter 5: the messages that long-polling without a cursor loses.
func TestForgetful(t *testing.T) {
	var report strings.Builder
	fmt.Fprintf(&report, "long-polling, 50 ms each way; about 2 000 messages, at random instants\n")
	fmt.Fprintf(&report, "messages/s   without a cursor   by chance   with a cursor\n")
	for _, rate := range []float64{0.2, 1, 2, 10, 50, 200} {
		until := time.Duration(2000 / rate * float64(time.Second))
		lost := func(read func(context.Context, dialer, func(uint64))) (lost, all int) {
			p := transport("longpoll", 0, random(rate, until), until+time.Second)
			if read != nil {
				p.read = read
			}
			tr := p.record(t)
			var last uint64
			for id := range tr.received {
				last = max(last, id)
			}
			return int(last) - len(tr.received), int(last)
		}
		n, all := lost(forgetful)
		m, whole := lost(nil)
		chance := rate * 0.1 / (1 + rate*0.1)
		fmt.Fprintf(&report, "%10g %11.1f %% lost %9.1f %% %8d of %d\n", rate, 100*float64(n)/float64(all), 100*chance, m, whole)
	}
	blocks.Printed(t, report.String())
}
