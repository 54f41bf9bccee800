//go:build !linux && !darwin

package measure

import "time"

// shared is false: two processes have no clock in common here, and what a
// process has used is not known. Latency and CPU are then not shown.
const shared = false

var begun = time.Now()

func monotonic() int64 { return int64(time.Since(begun)) }

func cpuTime() int64 { return 0 }
