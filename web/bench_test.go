package web_test

import (
	"encoding/json"
	"testing"
	"time"

	"fourwires/internal/lab"
	"fourwires/internal/source"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/tracing"
	"github.com/chromedp/chromedp"
)

// What does the page itself cost, with 200 messages a second on each of its four
// lanes? An op is a second. By the browser's own tracing: the CPU time of its main
// thread's tasks, in cores, and the frames drawn; and its heap, with what is
// collected gone: at the end, and by how much it grew over the second half of the
// run. Ten minutes:
//
//	go test ./web -run '^$' -bench Page -benchtime 600x -timeout 30m
//
// Fair: it draws all that it draws for everybody, in a browser without a GPU, which
// draws by the CPU; and tracing costs it something, too.
func BenchmarkPage(b *testing.B) {
	settings := source.Default()
	settings.Source, settings.Rate = source.Market, 200
	s := opener(smoothTab).serve(b, lab.Settings{Keep: 4096, Source: settings}, nil)
	tab := s.open(b)
	tab.pollOften()
	tab.until(`[...document.querySelectorAll(".lane")].every(({ dataset }) => dataset.messages > 1000)`)
	heap := func() float64 {
		if _, err := chromedp.Call(tab.ctx, heapprofiler.CollectGarbage, cdp.Empty{}); err != nil {
			b.Fatal(err)
		}
		used, err := chromedp.Call(tab.ctx, runtime.GetHeapUsage, cdp.Empty{})
		if err != nil {
			b.Fatal(err)
		}
		return used.UsedSize / 1e6
	}
	traced := tab.tracer()
	busy, frames, seconds := time.Duration(0), 0, 0
	heaps := []float64{heap()} // one in 30 s
	for b.Loop() {
		ran, drawn := traced(time.Second)
		busy += ran
		frames += drawn
		if seconds++; seconds%30 == 0 {
			heaps = append(heaps, heap())
		}
	}
	last := heap()
	b.ReportMetric(0, "ns/op") // it is a second, and what tracing takes to begin and to end
	b.ReportMetric(busy.Seconds()/float64(seconds), "busy-cores")
	b.ReportMetric(float64(frames)/float64(seconds), "frames/s")
	b.ReportMetric(last, "heap-MB")
	b.ReportMetric(last-heaps[len(heaps)/2], "heap-MB-grown")
	b.Logf("the heap in MB, once in 30 s: %.3g", heaps)
	for _, lane := range lanes(tab) {
		if lane.Lost != "0" || lane.Duplicated != "0" {
			b.Errorf("%s lost %s, had %s twice", lane.Name, lane.Lost, lane.Duplicated)
		}
	}
}

// tracer returns what traces the page for a time, and returns the CPU time of its
// main thread's tasks, and how many frames were drawn.
func (tab *tab) tracer() func(time.Duration) (busy time.Duration, frames int) {
	tab.t.Helper()
	type event struct {
		Name     string
		Pid, Tid int
		Tdur     int64 // CPU time, in µs
		Args     json.RawMessage
	}
	var events []event // of the present trace: the listener's own
	traces := make(chan []event, 1)
	if err := chromedp.Listen(tab.ctx, func(told any) {
		switch told := told.(type) {
		case *tracing.EventDataCollected:
			for _, value := range told.Value {
				var event event
				if err := json.Unmarshal(value, &event); err != nil {
					tab.t.Errorf("a trace has %s: %v", value, err)
				}
				events = append(events, event)
			}
		case *tracing.EventTracingComplete:
			if told.DataLossOccurred {
				tab.t.Error("the browser lost a part of a trace")
			}
			traces <- events
			events = nil
		}
	}); err != nil {
		tab.t.Fatal(err)
	}
	config := &tracing.TraceConfig{
		IncludedCategories: []string{"disabled-by-default-devtools.timeline", "disabled-by-default-devtools.timeline.frame"},
		ExcludedCategories: []string{"*"},
	}
	return func(d time.Duration) (busy time.Duration, frames int) {
		tab.t.Helper()
		if _, err := chromedp.Call(tab.ctx, tracing.Start, tracing.StartParams{TraceConfig: config}); err != nil {
			tab.t.Fatal(err)
		}
		time.Sleep(d)
		if _, err := chromedp.Call(tab.ctx, tracing.End, cdp.Empty{}); err != nil {
			tab.t.Fatal(err)
		}
		trace := <-traces
		process := 0             // that has the page
		threads := map[int]int{} // the main thread of each renderer
		for _, event := range trace {
			var args struct {
				Name string
				Data struct{ Frames []struct{ ProcessID int } }
			}
			switch event.Name {
			case "TracingStartedInBrowser", "thread_name":
				if err := json.Unmarshal(event.Args, &args); err != nil {
					tab.t.Fatal(err)
				}
			}
			if len(args.Data.Frames) > 0 {
				process = args.Data.Frames[0].ProcessID
			}
			if args.Name == "CrRendererMain" {
				threads[event.Pid] = event.Tid
			}
		}
		for _, event := range trace {
			switch {
			case event.Pid != process:
			case event.Name == "RunTask" && event.Tid == threads[process]:
				busy += time.Duration(event.Tdur) * time.Microsecond
			case event.Name == "DrawFrame":
				frames++
			}
		}
		if busy == 0 || frames == 0 {
			tab.t.Fatalf("a trace of %d events has no task of the page's main thread, or no frame", len(trace))
		}
		return busy, frames
	}
}

// How soon after it is opened has the page a message on each lane? An op is one
// opening, in a tab of its own, with an empty cache; by the page's own timeline, from
// the navigation on. It is the last of the four.
func BenchmarkOpen(b *testing.B) {
	for _, rtt := range []time.Duration{0, 100 * time.Millisecond} {
		b.Run("rtt="+rtt.String(), func(b *testing.B) {
			settings := quiet(100)
			settings.Network.RTT = rtt
			s := opener(smoothTab).serve(b, settings, nil, many(20)...)
			sum := 0.0
			for b.Loop() {
				tab := s.open(b)
				tab.until(`performance.getEntriesByType("mark").length >= 4`)
				sum += eval[float64](tab, `Math.max(...performance.getEntriesByType("mark").map(({ startTime }) => startTime))`)
				chromedp.Cancel(tab.ctx)
			}
			b.ReportMetric(0, "ns/op") // it has the tab's start, too
			b.ReportMetric(sum/float64(b.N), "first-ms")
		})
	}
}
