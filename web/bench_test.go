package web_test

import (
	"testing"
	"time"

	"fourwires/internal/lab"
	"fourwires/internal/source"

	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"
)

// What does the page itself cost, with 200 messages a second on each of its four
// lanes? An op is a second. By the browser's own counters: the CPU time of its
// main thread, in cores, its frames, and by how much its heap has grown over the
// run. Fair: it draws all that it draws for everybody, in a browser without a GPU,
// which draws by the CPU.
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
		eval[bool](tab, `(globalThis.gc?.(), true)`)
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
	before, frames, seconds := metrics(), 0, 0
	start := time.Now()
	for b.Loop() {
		frames += eval[int](tab, `new Promise((done) => {
			let frames = 0;
			const end = performance.now() + 1000;
			const frame = () => (performance.now() < end ? (frames++, requestAnimationFrame(frame)) : done(frames));
			requestAnimationFrame(frame);
		})`)
		seconds++
	}
	after := metrics()
	took := time.Since(start).Seconds()
	b.ReportMetric(0, "ns/op") // it is a second
	b.ReportMetric((after["TaskDuration"]-before["TaskDuration"])/took, "busy-cores")
	b.ReportMetric((after["ScriptDuration"]-before["ScriptDuration"])/took, "script-cores")
	b.ReportMetric(float64(frames)/float64(seconds), "frames/s")
	b.ReportMetric((after["JSHeapUsedSize"]-before["JSHeapUsedSize"])/1e6, "heap-MB-grown")
	for _, lane := range lanes(tab) {
		if lane.Lost != "0" || lane.Duplicated != "0" {
			b.Errorf("%s lost %s, had %s twice", lane.Name, lane.Lost, lane.Duplicated)
		}
	}
}
