//go:build solution

package clock

type sample struct{ asked, received, sent, answered float64 }

func ahead(samples []sample) (ahead, off float64, ok bool) {
	for _, s := range samples {
		trip := (s.answered - s.asked) - (s.sent - s.received)
		if trip < 0 || ok && trip/2 > off {
			continue // a clock was set meanwhile, or there is a better one
		}
		ahead = ((s.received - s.asked) + (s.sent - s.answered)) / 2
		off, ok = trip/2, true
	}
	return ahead, off, ok
}
