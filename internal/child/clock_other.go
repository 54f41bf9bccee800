//go:build !linux && !darwin

package child

import "time"

// Shared is false: two processes have no clock in common here, and the CPU time of a process is unknown. Latency and
// CPU time are then not shown.
const Shared = false

var begun = time.Now()

// Monotonic returns this process's monotonic clock in ns.
func Monotonic() int64 { return int64(time.Since(begun)) }

// CPUTime returns 0.
func CPUTime() time.Duration { return 0 }
