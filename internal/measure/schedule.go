package measure

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"fourwires/feed"
	"fourwires/internal/child"
)

// schedule draws n instants over a time: those of a Poisson process of which n is known, or so many bursts. The same
// seed gives the same instants, in both processes.
func (o Options) schedule(seed uint64, n int, over time.Duration) []time.Duration {
	random := rand.New(rand.NewPCG(seed, 0))
	instants := make([]time.Duration, n)
	burst := max(o.Burst, 1)
	for i := range instants {
		if i%burst == 0 {
			instants[i] = time.Duration(random.Float64() * float64(over))
		} else {
			instants[i] = instants[i-1] + o.Apart
		}
	}
	slices.Sort(instants)
	return instants
}

// publish publishes data at each of these instants after start, until ctx ends; what is due by then it still publishes.
// An instant that has passed does not shift the next.
func publish(ctx context.Context, f *feed.Feed, start int64, instants []time.Duration, data []byte) error {
	timer, err := child.NewTimer()
	if err != nil {
		return err
	}
	defer timer.Close()
	for _, instant := range instants {
		if err := timer.SleepUntil(ctx, start+int64(instant)); err != nil {
			return err
		}
		if _, err := f.Publish(data); err != nil {
			return err
		}
	}
	return nil
}

// data returns a JSON string of so many bytes, its quotes included.
func data(size int) []byte {
	return slices.Concat([]byte{'"'}, bytes.Repeat([]byte{'x'}, size-2), []byte{'"'})
}

// numbered returns JSON data of a size, which has a number in it. It is longer where the number needs more.
func numbered(n, size int) []byte {
	data := fmt.Appendf(nil, `{"n":%d,"x":"`, n)
	for len(data) < size-len(`"}`) {
		data = append(data, 'x')
	}
	return append(data, `"}`...)
}

// numberOf returns the number in data, or -1.
func numberOf(data []byte) int {
	rest, ok := bytes.CutPrefix(data, []byte(`{"n":`))
	end := bytes.IndexByte(rest, ',')
	if !ok || end < 0 {
		return -1
	}
	n, err := strconv.Atoi(string(rest[:end]))
	if err != nil {
		return -1
	}
	return n
}
