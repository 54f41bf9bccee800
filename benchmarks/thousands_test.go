//go:build linux

package benchmarks

import (
	"runtime/debug"
	"slices"
	"syscall"
	"testing"
	"time"

	"fourwires/internal/needs"
)

// TestTenThousand has 10 000 readers at once, of the four transports in turn, on one server. All are served, nothing is
// lost, duplicated or reordered, and message after message takes no more memory.
func TestTenThousand(t *testing.T) {
	needs.Process(t)
	n, race := 10_000, raceDetected()
	if race { // whose detector knows at most 8 128 goroutines
		n = 1_000
	}
	t.Logf("%d readers", n)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if need := uint64(n + 500); limit.Cur < need {
		t.Fatalf("%d readers need %d open files in a process, and this one may have %d: raise the hard limit, ulimit -Hn %d",
			n, need, limit.Cur, need)
	}

	s := startServer(t, false)
	s.interval = 500 * time.Millisecond // each round waits for a poll of every polling reader
	r := s.read(n, transportNames()...)
	const rounds, each = 6, 5
	var sizes [rounds]int // bytes
	for round := range rounds {
		r.expect(s.head + each)
		s.publish(each, 0)
		if !r.await() {
			t.Fatalf("round %d: %d of %d readers do not get its messages", round+1, r.missing.Load(), n)
		}
		sizes[round] = s.memory().Bytes
	}
	// More may be in flight after one round than after another: that passes.
	most := sizes[2] + sizes[2]/32
	for deadline := time.Now().Add(10 * time.Second); !race && sizes[rounds-1] > most && time.Now().Before(deadline); {
		time.Sleep(500 * time.Millisecond)
		sizes[rounds-1] = s.memory().Bytes
	}
	r.close()
	t.Logf("the server takes %d bytes after each round", sizes)
	// The race detector takes more memory all the time.
	if last := sizes[rounds-1]; !race && last > most {
		t.Errorf("the server takes %d bytes after the third round, and %d after the last", sizes[2], last)
	}
	for _, transport := range transportNames() {
		if got := r.faults(transport); got != (faults{}) {
			t.Errorf("%s: %+v", transport, got)
		}
	}
}

// raceDetected reports whether this binary was built with -race.
func raceDetected() bool {
	build, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(build.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
