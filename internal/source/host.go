package source

import (
	"encoding/json"
	"math"
	"runtime"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/load"
	"github.com/shirou/gopsutil/v4/mem"
	"github.com/shirou/gopsutil/v4/net"
)

// freshFor is the time for which a reading is repeated. Processor times tick in steps of 10 ms: over a much shorter
// time their differences mean nothing.
const freshFor = 100 * time.Millisecond

// A reading is the data of host; the package comment has the units. A figure that could not be read is nil and left
// out.
type reading struct {
	CPU     *float64 `json:"cpu,omitempty"`
	Memory  *float64 `json:"memory,omitempty"`
	Load    *float64 `json:"load,omitempty"`
	In      *uint64  `json:"in,omitempty"`
	Out     *uint64  `json:"out,omitempty"`
	Sampled int64    `json:"sampled"`
}

// A host takes readings of this machine. It keeps the counters of the last reading itself: those of gopsutil are shared
// by the whole process.
type host struct {
	encoded []byte // the last reading
	at      time.Time
	times   *cpu.TimesStat      // nil where the last reading failed
	traffic *net.IOCountersStat // nil where the last reading failed
}

// newHost takes a first reading, with which the second is compared.
func newHost(now time.Time) *host {
	h := &host{}
	h.read(now)
	return h
}

// data appends the last reading, or a new one after freshFor.
func (h *host) data(dst []byte, now time.Time) []byte {
	if now.Sub(h.at) >= freshFor {
		h.read(now)
	}
	return append(dst, h.encoded...)
}

// read takes a reading, which blocks for well under a millisecond on Linux.
func (h *host) read(now time.Time) {
	r := reading{Sampled: now.UnixMicro()}

	times := only(cpu.Times(false))
	if h.times != nil && times != nil {
		r.CPU = busy(*h.times, *times)
	}
	if memory, err := mem.VirtualMemory(); err == nil && memory.Total > 0 {
		r.Memory = round(memory.UsedPercent, 1)
	}
	// Windows has no load average. gopsutil computes one, starting from 0, in a goroutine that never ends.
	if runtime.GOOS != "windows" {
		if average, err := load.Avg(); err == nil {
			r.Load = round(average.Load1, 2)
		}
	}
	traffic := only(net.IOCounters(false))
	if h.traffic != nil && traffic != nil {
		elapsed := now.Sub(h.at)
		r.In = perSecond(h.traffic.BytesRecv, traffic.BytesRecv, elapsed)
		r.Out = perSecond(h.traffic.BytesSent, traffic.BytesSent, elapsed)
	}

	h.at, h.times, h.traffic = now, times, traffic
	h.encoded, _ = json.Marshal(r) // all fields are finite numbers
}

// only returns the one element of list, which is gopsutil's result for totals; nil where there is none or an error.
func only[T any](list []T, err error) *T {
	if err != nil || len(list) != 1 {
		return nil
	}
	return &list[0]
}

// busy returns the share of processor time that was not idle between two readings, in percent from 0 to 100; nil where
// no time has passed.
func busy(was, is cpu.TimesStat) *float64 {
	idle := func(t cpu.TimesStat) float64 { return t.Idle + t.Iowait }
	work := func(t cpu.TimesStat) float64 { // Guest is in User, GuestNice in Nice
		return t.User + t.Nice + t.System + t.Irq + t.Softirq + t.Steal
	}
	worked, idled := work(is)-work(was), idle(is)-idle(was)
	if worked+idled <= 0 {
		return nil
	}
	// Iowait may decrease on Linux, so the share may be out of its range.
	return round(min(max(100*worked/(worked+idled), 0), 100), 1)
}

// perSecond returns the rate at which a counter increased; nil where it decreased, as a total does when a network
// interface is removed.
func perSecond(was, is uint64, elapsed time.Duration) *uint64 {
	if is < was {
		return nil
	}
	return new(uint64(float64(is-was) / elapsed.Seconds()))
}

// round rounds x to that many decimals.
func round(x float64, decimals int) *float64 {
	unit := math.Pow10(decimals)
	return new(math.Round(x*unit) / unit)
}
