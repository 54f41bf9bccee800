package experiments_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/docs/blocks"
	"fourwires/feed"
	"fourwires/internal/netsim"
	"fourwires/internal/stats"
)

// The experiments of chapter 14: many readers, and slow ones.

// TestSlow prints what ten readers receive, one of which reads nothing for 20 s, from servers that keep unsent messages
// in different places.
func TestSlow(t *testing.T) {
	var report strings.Builder
	fmt.Fprintf(&report, "50 messages a second of 1 KiB, for a minute; one of ten readers reads nothing from 20 s to 40 s\n")
	fmt.Fprintf(&report, "%-44s %13s   %s\n", "", "the other nine", "the slow one")
	fmt.Fprintf(&report, "%-44s %13s %7s %7s %7s %13s\n", "the server", "late at most", "had", "lost", "told of",
		"held for it")
	for _, s := range []struct {
		title string
		serve func() server
	}{
		{"one goroutine writes to each in turn", func() server { return &inTurn{} }},
		{"a queue for each, what does not fit is dropped", func() server { return &queues{most: 64} }},
		{"a queue for each, without end", func() server { return &queues{most: 1 << 20} }},
		{"a log and cursors, it keeps 4 096", func() server { return &cursors{feed: feed.New(feed.Keep)} }},
		{"the same, it keeps 256", func() server { return &cursors{feed: feed.New(256)} }},
	} {
		late, had, named, kept := slowReader(t, s.serve)
		fmt.Fprintf(&report, "%-44s %11.2f s %7d %7d %7d %13d\n", s.title, late.Seconds(), had, slowMessages-had,
			named, kept)
	}
	blocks.Printed(t, report.String())
}

const slowMessages = 50 * 60

// A server writes messages to the connections that it accepts.
type server interface {
	accept(c *netsim.Conn)
	publish(m []byte)
	kept() int // the most messages that were kept for one reader
	close()
}

// inTurn writes each message to one connection after the other.
type inTurn struct{ conns []*netsim.Conn }

func (s *inTurn) accept(c *netsim.Conn) { s.conns = append(s.conns, c) }
func (s *inTurn) publish(m []byte) {
	for _, c := range s.conns {
		c.Write(m)
	}
}
func (s *inTurn) kept() int { return 0 }
func (s *inTurn) close()    {}

// queues have a queue and a goroutine for each connection.
type queues struct {
	most   int
	queues []chan []byte
	longer int
	all    sync.WaitGroup
}

func (s *queues) accept(c *netsim.Conn) {
	queue := make(chan []byte, s.most)
	s.queues = append(s.queues, queue)
	s.all.Go(func() {
		for m := range queue {
			c.Write(m)
		}
	})
}

func (s *queues) publish(m []byte) {
	for _, queue := range s.queues {
		select {
		case queue <- m:
		default: // full
		}
		s.longer = max(s.longer, len(queue))
	}
}

func (s *queues) kept() int { return s.longer }

func (s *queues) close() {
	for _, queue := range s.queues {
		close(queue)
	}
	s.all.Wait()
}

// cursors have a goroutine for each connection, which reads the log from a cursor.
type cursors struct {
	feed *feed.Feed
	all  sync.WaitGroup
}

func (s *cursors) accept(c *netsim.Conn) {
	cursor := s.feed.Head()
	s.all.Go(func() {
		for {
			msgs, next, err := s.feed.Wait(context.Background(), cursor, nil)
			var gap *feed.GapError
			switch {
			case errors.As(err, &gap):
				fmt.Fprintf(c, "gap %d\n", gap.To-gap.From+1)
			case err != nil:
				return
			}
			for _, m := range msgs {
				text, _ := strconv.Unquote(string(m.Data))
				c.Write([]byte(text + "\n"))
			}
			cursor = next
		}
	})
}

func (s *cursors) publish(m []byte) {
	s.feed.Publish(strconv.AppendQuote(nil, strings.TrimSuffix(string(m), "\n")))
}
func (s *cursors) kept() int { return 0 }
func (s *cursors) close() {
	s.feed.Close()
	s.all.Wait()
}

// slowReader lets ten readers read from a server. Late is the longest delay of the nine fast ones. Of the slow one, had
// is the number of messages that it received, named the number that gaps named, and kept what the server kept for it.
func slowReader(t *testing.T, serve func() server) (late time.Duration, had, named, kept int) {
	synctest.Test(t, func(t *testing.T) {
		s := serve()
		var network netsim.Network
		if err := network.Set(netsim.Settings{RTT: 100 * ms}); err != nil {
			t.Fatal(err)
		}
		memory := network.Memory()
		var mu sync.Mutex
		var readers sync.WaitGroup
		start := time.Now()
		for i := range 10 {
			accepted := make(chan net.Conn, 1)
			go func() {
				conn, _ := memory.Accept()
				accepted <- conn
			}()
			conn, err := memory.Dial(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			s.accept((<-accepted).(*netsim.Conn))
			readers.Go(func() {
				defer conn.Close()
				asleep := i == 9
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					word, gap := strings.CutPrefix(strings.TrimRight(lines.Text(), " "), "gap ")
					due, err := strconv.ParseInt(word, 10, 64)
					if err != nil {
						t.Error(err)
					}
					if gap {
						named += int(due)
						continue
					}
					took := time.Since(start) - time.Duration(due)
					if i < 9 {
						mu.Lock()
						late = max(late, took)
						mu.Unlock()
						continue
					}
					had++
					if at := time.Since(start); asleep && at >= 20*time.Second {
						time.Sleep(20 * time.Second) // virtual
						asleep = false
					}
				}
			})
		}
		time.Sleep(time.Second - time.Since(start)%time.Second) // virtual: all have connected
		start = time.Now()
		for i := range slowMessages {
			due := time.Duration(i) * 20 * ms
			time.Sleep(due - time.Since(start))
			s.publish(fmt.Appendf(nil, "%-1023d\n", due))
		}
		time.Sleep(time.Minute)
		s.close()
		kept = s.kept()
		memory.Close()
		for _, c := range network.Conns() {
			c.Close()
		}
		readers.Wait()
		time.Sleep(time.Minute)
	})
	return late, had, named, kept
}

// TestParked prints how much memory ten thousand goroutines take that do nothing but wait.
func TestParked(t *testing.T) {
	const n = 10_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var all, waiting sync.WaitGroup
	over := make(chan struct{})
	begun := time.Now()
	for range n {
		waiting.Add(1)
		all.Go(func() {
			waiting.Done()
			<-over
		})
	}
	waiting.Wait()
	took := time.Since(begun)
	runtime.GC()
	runtime.ReadMemStats(&after)
	close(over)
	all.Wait()
	each := float64(after.StackInuse+after.HeapInuse-before.StackInuse-before.HeapInuse) / n / 1024
	if each < 1 || each > 8 { // the race detector takes some
		t.Errorf("a goroutine that waits takes %.1f KiB", each)
	}
	report := fmt.Sprintf("10 000 goroutines wait: %.1f KiB each; all had begun after %v\n", each, took.Round(ms))
	build, ok := debug.ReadBuildInfo()
	if ok && slices.Contains(build.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		fmt.Fprint(t.Output(), report) // the page's figure is without the race detector, which takes memory too
		return
	}
	blocks.Printed(t, report)
}

// TestThousands multiplies what was measured with a thousand readers by ten.
func TestThousands(t *testing.T) {
	medians := benchmarked(t, "all")
	var report strings.Builder
	fmt.Fprintf(&report, "%-10s %-25s %-23s %-12s %s\n", "", "CPU a message", "idle", "goroutines", "CPU of a connect")
	fmt.Fprintf(&report, "%-10s %-25s %-23s %-12s %s\n", "", "and reader   10 000, 10/s", "reader       10 000",
		"a reader", "and leave    10 000")
	for _, name := range []string{"polling", "longpoll", "sse", "websocket", "tcp"} {
		of := func(key string) float64 { return medians[strings.Replace(key, "*", "transport="+name, 1)] }
		cpu, idle := of("Fanout/*/readers=1000 cpu-ns/msg"), of("Idle/*/readers=1000 B/reader")
		connect := of("Connect/* cpu-ns/connect")
		fmt.Fprintf(&report, "%-10s %7.1f µs %7.2f cores   %4.0f KiB %7.0f MiB   %5.0f        %4.0f µs %6.1f s\n", name,
			cpu/1e3, cpu*10_000*10/1e9, idle/1024, idle*10_000/(1<<20), of("Idle/*/readers=1000 goroutines/reader"),
			connect/1e3, connect*10_000/1e9)
	}
	blocks.Printed(t, report.String())
}

// benchmarked returns the medians of a file of benchmarks/results, by benchmark and
// unit: "Idle/transport=sse/readers=1000 B/reader".
func benchmarked(t *testing.T, file string) map[string]float64 {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "benchmarks", "results", file+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]float64{}
	for line := range strings.Lines(string(text)) {
		name, found := strings.CutPrefix(line, "Benchmark")
		if !found {
			continue
		}
		fields := strings.Fields(name)
		for i := 2; i+1 < len(fields); i += 2 {
			value, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			key := fields[0][:strings.LastIndex(fields[0], "-")] + " " + fields[i+1]
			values[key] = append(values[key], value)
		}
	}
	medians := map[string]float64{}
	for key, all := range values {
		medians[key] = stats.Median(all)
	}
	return medians
}

// costs draws three of the medians.
func costs(t *testing.T) *svg {
	medians := benchmarked(t, "all")
	const left, wide, gap, top, row = 104.0, 190.0, 40.0, 52.0, 28.0
	s := &svg{width: left + 3*(wide+gap), height: top + 5*row + 14}
	names := []string{"polling", "longpoll", "sse", "websocket", "tcp"}
	for i, name := range names {
		s.text(left-12, top+row*float64(i)+5, "end", "name", name)
	}
	for i, chart := range []struct {
		title, key, format string
		scale              float64
	}{
		{"CPU a message, 1 000 readers", "Fanout/*/readers=1000 cpu-ns/msg", "%.1f µs", 1e-3},
		{"memory of an idle reader", "Idle/*/readers=1000 B/reader", "%.1f KiB", 1.0 / 1024},
		{"CPU to connect, and leave", "Connect/* cpu-ns/connect", "%.0f µs", 1e-3},
	} {
		x := left + float64(i)*(wide+gap)
		s.text(x, top-26, "start", "soft", chart.title)
		most := 0.0
		for _, name := range names {
			most = max(most, medians[strings.Replace(chart.key, "*", "transport="+name, 1)])
		}
		for j, name := range names {
			value := medians[strings.Replace(chart.key, "*", "transport="+name, 1)]
			y := top + row*float64(j)
			class := name
			if name == "tcp" {
				class = "pole"
			}
			s.add(`<path d="M%.1f %.1fH%.1f" class="%s" style="stroke-width:12"/>`, x, y, x+(wide-62)*value/most, class)
			s.text(x+(wide-62)*value/most+6, y+5, "start", "soft", fmt.Sprintf(chart.format, value*chart.scale))
		}
	}
	return s
}
