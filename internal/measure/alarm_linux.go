package measure

import (
	"cmp"
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// An alarm wakes at an instant. On Linux a timer of Go's may be 1 ms late, which
// is more than most of what is measured here; the kernel's own is not, and costs
// no more.
type alarm struct{ timer *os.File }

func newAlarm() (*alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	return &alarm{os.NewFile(uintptr(fd), "timer")}, nil
}

// until waits for at of the monotonic clock, or for the end of ctx, whose error
// it returns if at lies ahead then.
func (a *alarm) until(ctx context.Context, at int64) error {
	if at <= monotonic() {
		return nil
	}
	control, err := a.timer.SyscallConn()
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
	defer context.AfterFunc(ctx, func() { a.timer.SetReadDeadline(time.Now()) })()
	var expirations [8]byte
	if _, err = a.timer.Read(expirations[:]); at <= monotonic() {
		return nil
	}
	return cmp.Or(ctx.Err(), err)
}

func (a *alarm) close() { a.timer.Close() }
