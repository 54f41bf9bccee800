package stats

// An Age is the age of the newest message that a client holds, over time: it grows with the clock, and falls when a
// newer message is received. All times are ns of one clock. It may not be used by several goroutines at once.
type Age struct {
	begun           bool
	newest, counted int64 // when the newest message was due; until when its age has been added up

	area   float64 // of the age over time, in ns²
	length int64   // of that time
	peak   int64
}

// Take records that a message which was due at due was received at now.
func (a *Age) Take(due, now int64) {
	if a.begun {
		young, old := a.counted-a.newest, now-a.newest
		a.area += float64(young+old) / 2 * float64(now-a.counted)
		a.length += now - a.counted
		a.peak = max(a.peak, old)
		due = max(a.newest, due)
	}
	a.begun, a.newest, a.counted = true, due, now
}

// Add adds the age that another client's newest message had.
func (a *Age) Add(b Age) {
	a.area += b.area
	a.length += b.length
	a.peak = max(a.peak, b.peak)
}

// Mean returns the mean age in ns, weighted by time, from the first message received to the last; ok is false where no
// time lies between them.
func (a *Age) Mean() (ns float64, ok bool) { return a.area / float64(a.length), a.length > 0 }

// Peak returns the greatest age in ns, reached just before a message was received. Of one message it is 0.
func (a *Age) Peak() int64 { return a.peak }
