package web_test

import (
	"testing"
	"time"

	"fourwires/internal/lab"
	"fourwires/internal/source"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"
)

// What does the page itself cost, with 200 messages a second on each of its four
// lanes? An op is a second. By the browser's own counters: the CPU time of its
// main thread, in cores, its frames, and its heap, with what is collected gone: at
// the end, and by how much it grew over the second half of the run. Ten minutes:
//
//	go test ./web -run '^$' -bench Page -benchtime 600x -timeout 20m
//
// Fair: it draws all that it draws for everybody, in a browser without a GPU, which
// draws by the CPU.
func BenchmarkPage(b *testing.B) {
	settings := source.Default()
	settings.Source, settings.Rate = source.Market, 200
	s := serve(b, lab.Settings{Keep: 4096, Source: settings}, nil)
	tab := s.open(b)
	tab.pollOften()
	tab.until(`[...document.querySelectorAll(".lane")].every(({ dataset }) => dataset.messages > 1000)`)
	if _, err := chromedp.Call(tab.ctx, performance.Enable, performance.EnableParams{TimeDomain: performance.EnableTimeDomainThreadTicks}); err != nil {
		b.Fatal(err)
	}
	metrics := func() map[string]float64 {
		if _, err := chromedp.Call(tab.ctx, heapprofiler.CollectGarbage, cdp.Empty{}); err != nil {
			b.Fatal(err)
		}
		result, err := chromedp.Call(tab.ctx, performance.GetMetrics, struct{}{})
		if err != nil {
			b.Fatal(err)
		}
		values := map[string]float64{}
		for _, metric := range result.Metrics {
			values[metric.Name] = metric.Value
		}
		return values
	}
	const heap = "JSHeapUsedSize"
	before, frames, seconds := metrics(), 0, 0
	heaps := []float64{before[heap]} // one in 30 s
	start := time.Now()
	for b.Loop() {
		frames += eval[int](tab, `new Promise((done) => {
			let frames = 0;
			const end = performance.now() + 1000;
			const frame = () => (performance.now() < end ? (frames++, requestAnimationFrame(frame)) : done(frames));
			requestAnimationFrame(frame);
		})`)
		if seconds++; seconds%30 == 0 {
			heaps = append(heaps, metrics()[heap])
		}
	}
	after := metrics()
	took := time.Since(start).Seconds()
	b.ReportMetric(0, "ns/op") // it is a second
	b.ReportMetric((after["TaskDuration"]-before["TaskDuration"])/took, "busy-cores")
	b.ReportMetric((after["ScriptDuration"]-before["ScriptDuration"])/took, "script-cores")
	b.ReportMetric(float64(frames)/float64(seconds), "frames/s")
	b.ReportMetric(after[heap]/1e6, "heap-MB")
	b.ReportMetric((after[heap]-heaps[len(heaps)/2])/1e6, "heap-MB-grown")
	b.ReportMetric(after["Nodes"], "nodes")
	b.Logf("the heap, once in 30 s: %.3g", heaps)
	for _, lane := range lanes(tab) {
		if lane.Lost != "0" || lane.Duplicated != "0" {
			b.Errorf("%s lost %s, had %s twice", lane.Name, lane.Lost, lane.Duplicated)
		}
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
			s := serve(b, settings, nil, many(20)...)
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
