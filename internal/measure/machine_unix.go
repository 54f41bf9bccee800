//go:build linux || darwin

package measure

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// shared says that monotonic is one clock in all processes, and that cpuTime is
// known.
const shared = true

// monotonic returns the machine's monotonic clock in ns.
func monotonic() int64 {
	var t unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return t.Nano()
}

// cpuTime returns the processor time that this process has used, the kernel's
// work for it included, in ns.
func cpuTime() int64 {
	var used syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return used.Utime.Nano() + used.Stime.Nano()
}
