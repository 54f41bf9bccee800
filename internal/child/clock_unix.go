//go:build linux || darwin

package child

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Shared reports whether [Monotonic] is one clock for all processes of this machine, and [CPUTime] is known.
const Shared = true

// Monotonic returns the machine's monotonic clock in ns.
func Monotonic() int64 {
	var t unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return t.Nano()
}

// CPUTime returns the processor time that this process has used, including the kernel's work for it (getrusage).
func CPUTime() time.Duration {
	var used syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
