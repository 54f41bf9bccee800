package child

import (
	"cmp"
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// A Timer sleeps until instants of the clock [Monotonic]. On Linux a timer of Go's may be 1 ms late, which is more than
// most of what is measured here; the kernel's own timer is not, and costs no more. One goroutine at a time may use it.
type Timer struct{ file *os.File }

// NewTimer returns a timer. The caller must close it.
func NewTimer() (*Timer, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	return &Timer{os.NewFile(uintptr(fd), "timer")}, nil
}

// SleepUntil waits for the instant at, or for the end of ctx. If ctx ends first it returns the error of ctx, and the
// timer cannot be used any more.
func (t *Timer) SleepUntil(ctx context.Context, at int64) error {
	if at <= Monotonic() {
		return nil
	}
	control, err := t.file.SyscallConn()
	if err != nil {
		return err
	}
	control.Control(func(fd uintptr) {
		at := unix.ItimerSpec{Value: unix.NsecToTimespec(at)}
		err = unix.TimerfdSettime(int(fd), unix.TFD_TIMER_ABSTIME, &at, nil)
	})
	if err != nil {
		return os.NewSyscallError("timerfd_settime", err)
	}
	defer context.AfterFunc(ctx, func() { t.file.SetReadDeadline(time.Now()) })()
	var expirations [8]byte
	if _, err = t.file.Read(expirations[:]); at <= Monotonic() {
		return nil
	}
	return cmp.Or(ctx.Err(), err)
}

// Close frees the timer.
func (t *Timer) Close() { t.file.Close() }
