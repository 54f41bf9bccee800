//go:build unix

package benchmarks

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"fourwires/feed"
	"fourwires/internal/child"
	"fourwires/internal/lab"
)

// BenchmarkCompress asks when compression helps and when it costs. An op is 1 000 messages with ids of the same length,
// each published when the one before has been received, on a connection that has carried 100 before. The data is the
// same in each run. CPU time and allocations are those of both ends and of publishing, so only off against on is to be
// compared.
//
// The bytes are exact but for the digits of the time in each message. Messages follow each other within µs here, so
// their times have more digits in common than at ten a second: then a message is 3 bytes longer by sse, which has one
// window for all messages, and not longer by websocket, which has one for each.
func BenchmarkCompress(b *testing.B) {
	for _, name := range []string{"sse", "websocket"} {
		t, _ := lab.Find(name)
		for _, payload := range []int{20, 128, 2048} {
			for _, kind := range []string{"json", "repetitive", "random"} {
				for _, compress := range []string{"off", "on"} {
					title := fmt.Sprintf("transport=%s/payload=%d/kind=%s/compress=%s", name, payload, kind, compress)
					b.Run(title, func(b *testing.B) {
						var sum used
						for b.Loop() {
							u := compressed(b, t, dataOf(kind, payload), compress == "on")
							sum = used{sum.bytes + u.bytes, sum.cpu + u.cpu, sum.allocs + u.allocs}
						}
						n := float64(b.N) * 1000
						b.ReportMetric(0, "ns/op")
						b.ReportMetric(float64(sum.bytes)/n, "wire-B/msg")
						b.ReportMetric(float64(sum.cpu)/n, "cpu-ns/msg")
						b.ReportMetric(float64(sum.allocs)/n, "allocs/msg")
					})
				}
			}
		}
	}
}

// used is what has been used: bytes downstream, ns of CPU time and allocations of this process.
type used struct{ bytes, cpu, allocs int64 }

// compressed reads 1 100 messages and returns what the last 1 000 took.
func compressed(b *testing.B, t lab.Transport, data [][]byte, compress bool) used {
	s, addr := open(b, lab.Settings{Keep: 1, Untapped: true, Gzip: compress, Deflate: compress}, false)
	defer s.Close()
	publish := func(id int) {
		if _, err := s.Feed.Publish(data[id%len(data)]); err != nil {
			b.Error(err)
		}
	}
	for id := range 1000 { // ids of four digits from here on
		publish(id)
	}

	var bytes atomic.Int64
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return counter{conn, &bytes}, err
	}
	now := func() used {
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		return used{bytes.Load(), int64(child.CPUTime()), int64(memory.Mallocs)}
	}
	url := "http://" + addr + "/" + t.Name
	cursor := feed.Cursor{Epoch: s.Feed.Head().Epoch, ID: 999}
	c := t.Client(lab.Access{URL: url, Dial: dial, Cursor: cursor, Compress: compress})
	var start, end used
	for m, err := range c.Messages(b.Context()) {
		if err != nil {
			b.Fatal(err)
		}
		if m.ID == 1099 {
			start = now()
		}
		if m.ID == 2099 {
			end = now()
			break
		}
		publish(int(m.ID) + 1)
	}
	return used{end.bytes - start.bytes, end.cpu - start.cpu, end.allocs - start.allocs}
}

// A counter counts the bytes that are read from a connection; a stream's client sends nothing after the request.
type counter struct {
	net.Conn
	bytes *atomic.Int64
}

func (c counter) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.bytes.Add(int64(n))
	return n, err
}

// dataOf returns the data of 1 000 messages, each of so many bytes of JSON: an object of the same fields with other
// readings, a string of one letter, or a string of random letters, of which 64 hold 48 bytes of information.
func dataOf(kind string, size int) [][]byte {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	random := rand.New(rand.NewPCG(1, 1))
	data := make([][]byte, 1000)
	for i := range data {
		var text []byte
		switch kind {
		case "json":
			for field := 0; ; field++ {
				name := []string{"cpu", "memory", "load", "disk", "in", "out"}[field%6]
				next := fmt.Sprintf(`,"%s%d":%.2f`, name, field/6, 100*random.Float64())
				if len(text)+len(next)+len(`}`) > size {
					break
				}
				text = append(text, next...)
			}
			text[0] = '{'
			for len(text)+len(`}`) < size {
				text = append(text, byte('0'+random.IntN(10)))
			}
			text = append(text, '}')
		case "repetitive":
			text = []byte(`"` + strings.Repeat("x", size-len(`""`)) + `"`)
		case "random":
			text = append(text, '"')
			for len(text)+len(`"`) < size {
				text = append(text, letters[random.IntN(64)])
			}
			text = append(text, '"')
		}
		data[i] = text
	}
	return data
}
