package benchmarks

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"fourwires/internal/lab"
	"fourwires/internal/measure"
	"fourwires/internal/scenario"
	"fourwires/internal/stats"
)

var update = flag.Bool("update", false, "rewrite the table of README.md")

// TestTable holds README.md's tables to the results that they are made from.
func TestTable(t *testing.T) {
	for file, make := range map[string]func(results) (string, error){"all": table, "overhead": overheadTable, "up": upTable, "latency": latencyTable, "scenario": scenarioTable} {
		raw, err := os.ReadFile("results/" + file + ".txt")
		if err != nil {
			t.Fatalf("doc.go says what makes this: %v", err)
		}
		r, err := parse(string(raw))
		if err != nil {
			t.Fatal(err)
		}
		want, err := make(r)
		if err != nil {
			t.Fatalf("results/%s.txt: %v", file, err)
		}
		readme, err := os.ReadFile("../README.md")
		if err != nil {
			t.Fatal(err)
		}
		begin := fmt.Sprintf("<!-- from benchmarks/results/%s.txt: go test ./benchmarks -run Table -update -->\n", file)
		const end = "<!-- end -->\n"
		head, rest, found := bytes.Cut(readme, []byte(begin))
		got, tail, closed := bytes.Cut(rest, []byte(end))
		if !found || !closed {
			t.Fatalf("README.md has no place for the table, between %q and %q", begin, end)
		}
		if string(got) == want {
			continue
		}
		if !*update {
			t.Fatalf("README.md's table is not that of results/%s.txt: go test ./benchmarks -run Table -update makes it\n%s", file, want)
		}
		if err := os.WriteFile("../README.md", slices.Concat(head, []byte(begin), []byte(want), []byte(end), tail), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// results are what a file of results says.
type results struct {
	config map[string]string
	values map[string][]float64 // by benchmark and unit: "Idle/transport=sse/readers=1000 B/reader"
}

var (
	configLine = regexp.MustCompile(`^([a-z][^\sA-Z:]*): +(.+)$`)
	cores      = regexp.MustCompile(`-\d+$`)
)

// parse reads the format of Go benchmarks (golang.org/design/14313-benchmark-format).
func parse(raw string) (results, error) {
	r := results{map[string]string{}, map[string][]float64{}}
	for line := range strings.Lines(raw) {
		if config := configLine.FindStringSubmatch(strings.TrimSpace(line)); config != nil {
			r.config[config[1]] = config[2]
		}
		name, isResult := strings.CutPrefix(line, "Benchmark")
		if !isResult {
			continue
		}
		fields := strings.Fields(name)
		for i := 2; i+1 < len(fields); i += 2 {
			value, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return r, fmt.Errorf("%q: %w", line, err)
			}
			key := cores.ReplaceAllString(fields[0], "") + " " + fields[i+1]
			r.values[key] = append(r.values[key], value)
		}
	}
	return r, nil
}

// text stands under the table.
const text = `
1 000 readers; messages of 128 bytes, ten a second on average, at random; the tap that counts bytes is
off. Server and readers share one machine: %s, %s.
%s, commit %s, ` + "`%s`" + `. Each value is the median of %d
rounds, ± how far the rounds lie from it%s.

tcp is no transport but the least that it can cost: one goroutine that writes each message to each
connection. It makes one write for each message when a reader catches up, too; the four join what waits,
and that is how they pass it. A message reaches 1 000 readers one after the other, so p50 is the time by
which half of them had it. Polling asks every 2 s: what it saves, its readers pay for in time.

What is fair here, and what is not, is said in [benchmarks/doc.go](benchmarks/doc.go); more figures, among
them what connecting costs, are in [benchmarks/results](benchmarks/results/all.txt).
`

// table returns the Markdown between the marks.
func table(r results) (string, error) {
	var missing []string
	values := func(key, transport string) []float64 {
		key = strings.Replace(key, "*", "transport="+transport, 1)
		if len(r.values[key]) == 0 {
			missing = append(missing, key)
			return []float64{math.NaN()}
		}
		return r.values[key]
	}
	const cpu = "Fanout/*/readers=1000 cpu-ns/msg"
	var out strings.Builder
	out.WriteString("| | server CPU a message | × tcp | p50 | p99 | an idle reader | caught up, a core-second |\n|---|--:|--:|--:|--:|--:|--:|\n")
	for _, transport := range []string{"polling", "longpoll", "sse", "websocket", "tcp"} {
		var ratios []float64
		limit := values(cpu, "tcp")
		for i, v := range values(cpu, transport) {
			ratios = append(ratios, v/limit[min(i, len(limit)-1)]) // of the same round
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %s | %s | %s | %s |\n", transport,
			cell(values(cpu, transport), 1e-3, " µs"),
			cell(ratios, 1, ""),
			cell(values("Fanout/*/readers=1000 p50-ns", transport), 1e-6, " ms"),
			cell(values("Fanout/*/readers=1000 p99-ns", transport), 1e-6, " ms"),
			cell(values("Idle/*/readers=1000 B/reader", transport), 1.0/1024, " KiB"),
			cell(values("CatchUp/* msg/cpu-s", transport), 1e-6, " M"))
	}
	config := func(key string) string {
		if r.config[key] == "" {
			missing = append(missing, key+":")
		}
		return r.config[key]
	}
	rounds := len(values(cpu, "tcp"))
	but := ""
	if rounds >= stats.Trim {
		but = ", the lowest and\nthe highest left out"
	}
	fmt.Fprintf(&out, text, config("cpu"), config("machine"), config("go"), config("commit"), config("command"), rounds, but)
	if missing != nil {
		return "", fmt.Errorf("it lacks %q", missing)
	}
	return out.String(), nil
}

// A look is a way to look values up that remembers what was not there.
type look struct {
	results
	missing []string
}

// all returns what a key has; NaN where that is nothing.
func (l *look) all(key string) []float64 {
	if len(l.values[key]) == 0 {
		l.missing = append(l.missing, key)
		return []float64{math.NaN()}
	}
	return l.values[key]
}

// median returns the median of what a key has.
func (l *look) median(key string) float64 {
	return stats.Median(l.all(key))
}

// least returns the least of it.
func (l *look) least(key string) float64 { return slices.Min(l.all(key)) }

// value returns it with this many digits behind the point.
func (l *look) value(scale float64, digits int, format string, args ...any) string {
	return strconv.FormatFloat(l.median(fmt.Sprintf(format, args...))*scale, 'f', digits, 64)
}

// ms returns it in ms, where it is in ns.
func (l *look) ms(key string) string { return digits(l.median(key) * 1e-6) }

func (l *look) lacks() error {
	if l.missing == nil {
		return nil
	}
	return fmt.Errorf("it lacks %q", l.missing)
}

// overheadTable returns the Markdown of the bytes that a message costs.
func overheadTable(r results) (string, error) {
	l := &look{results: r}
	of := func(transport string, payload int, headers string, cookie, http, tls int, unit string) string {
		digits := 0
		if http == 2 && (unit == "head-B/msg" || unit == "wire-B/msg" || unit == "tls-B/msg") {
			digits = 1
		}
		return l.value(1, digits, "Overhead/transport=%s/payload=%d/headers=%s/cookie=%d/http=%d/tls=%d %s", transport, payload, headers, cookie, http, tls, unit)
	}
	var out strings.Builder
	out.WriteString("| | headers of | HTTP/1.1: heads | envelope | framing | all | HTTP/2: heads | envelope | framing | all | TLS adds | on HTTP/2 |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, transport := range []string{"polling", "longpoll", "sse", "websocket"} {
		for _, headers := range []string{"go", "chrome"} {
			fmt.Fprintf(&out, "| %s | %s |", transport, headers)
			for _, http := range []int{1, 2} {
				for _, unit := range []string{"head-B/msg", "envelope-B/msg", "framing-B/msg", "wire-B/msg"} {
					if http == 2 && transport == "websocket" {
						out.WriteString(" – |")
						continue
					}
					fmt.Fprintf(&out, " %s |", of(transport, 128, headers, 0, http, 0, unit))
				}
			}
			fmt.Fprintf(&out, " %s |", of(transport, 128, headers, 0, 1, 1, "tls-B/msg"))
			if transport == "websocket" {
				out.WriteString(" – |\n")
			} else {
				fmt.Fprintf(&out, " %s |\n", of(transport, 128, headers, 0, 2, 1, "tls-B/msg"))
			}
		}
	}
	out.WriteString(`
Bytes a message, up and down: 100 messages of 128 bytes of data (169 with id and time), each by itself, so that
a poll or long-poll finds one and none is in vain; a poll in vain costs its heads for nothing. They are counted,
not timed: on HTTP/1.1 to the byte, on HTTP/2 a byte more or less, since its Huffman code has long letters and
short ones. All is what crossed the connection, without what is paid once. A WebSocket's connection is one of
HTTP/1.1 (golang/go#49918). Chrome's headers are those of a real Chromium, recorded, and encoded on HTTP/2 as
Chromium encodes them; go's are encoded by Go's HPACK.

What is paid once: a poll on HTTP/2 before the dynamic table knows its fields, a stream when it is opened, and a
connection for TLS.

| | | HTTP/1.1 | HTTP/2 | HTTP/1.1 and TLS | HTTP/2 and TLS |
|---|---|--:|--:|--:|--:|
`)
	for _, headers := range []string{"go", "chrome"} {
		fmt.Fprintf(&out, "| the first poll's heads | %s |", headers)
		for _, way := range [][2]int{{1, 0}, {2, 0}, {1, 1}, {2, 1}} {
			fmt.Fprintf(&out, " %s |", of("polling", 128, headers, 0, way[0], way[1], "first-B"))
		}
		out.WriteString("\n")
	}
	for _, transport := range []string{"polling", "sse", "websocket"} {
		fmt.Fprintf(&out, "| opening: %s | go |", transport)
		for _, way := range [][2]int{{1, 0}, {2, 0}, {1, 1}, {2, 1}} {
			if way[0] == 2 && transport == "websocket" {
				out.WriteString(" – |")
				continue
			}
			fmt.Fprintf(&out, " %s |", of(transport, 128, "go", 0, way[0], way[1], "opening-B"))
		}
		out.WriteString("\n")
	}
	out.WriteString(`
And a cookie goes with every request: what the heads of a poll and its answer come to, each after the first.

| a cookie of | | 0 B | 512 B | 4 096 B |
|---|---|--:|--:|--:|
`)
	for _, http := range []int{1, 2} {
		for _, headers := range []string{"go", "chrome"} {
			fmt.Fprintf(&out, "| HTTP/%s | %s |", map[int]string{1: "1.1", 2: "2"}[http], headers)
			for _, cookie := range []int{0, 512, 4096} {
				fmt.Fprintf(&out, " %s |", of("polling", 128, headers, cookie, http, 0, "head-B/msg"))
			}
			out.WriteString("\n")
		}
	}
	fmt.Fprintf(&out, `
- On HTTP/1.1 what headers cost is no constant: %s B with Go's client, %s B with Chromium's headers, and %s B where a
  cookie of 4 096 B goes with them. On HTTP/2 HPACK has the same two polls at %s and %s B; and with a cookie of 512 B
  at %s and %s B, since both ends have it in their tables. (Go's encoder adds each poll's path, too, until the cookie falls out at
  the other end and is written again. Chromium's adds no path.)
- A cookie of 4 096 B never fits the table of 4 096 bytes (RFC 7541, §4.1 counts 32 for each entry): it is written
  out on every poll. Chromium adds it to the table nevertheless, which empties it (§4.4), and writes all other
  fields out again, too: %s B a poll, against %s B by Go's encoder, which does not.
- An SSE event is not "5 bytes": id, field names and blank line come to %s B here; the chunk around a flush has %s B
  on HTTP/1.1, the DATA frame %s B on HTTP/2 (RFC 9113, §4.1), a record of TLS %s B (RFC 8446, §5.2).
- The header of a WebSocket frame has %s B around a message of 20 B of data, %s B around one of 128 and %s B around one
  of 2 048: two up to 125 bytes of payload, four up to 65 535 (RFC 6455, §5.2).

The command: `+"`go test ./benchmarks -run '^$' -bench Overhead -benchtime 1x`.\n",
		of("polling", 128, "go", 0, 1, 0, "head-B/msg"), of("polling", 128, "chrome", 0, 1, 0, "head-B/msg"), of("polling", 128, "chrome", 4096, 1, 0, "head-B/msg"),
		of("polling", 128, "go", 0, 2, 0, "head-B/msg"), of("polling", 128, "chrome", 0, 2, 0, "head-B/msg"),
		of("polling", 128, "go", 512, 2, 0, "head-B/msg"), of("polling", 128, "chrome", 512, 2, 0, "head-B/msg"),
		of("polling", 128, "chrome", 4096, 2, 0, "head-B/msg"), of("polling", 128, "go", 4096, 2, 0, "head-B/msg"),
		of("sse", 128, "go", 0, 1, 0, "envelope-B/msg"), of("sse", 128, "go", 0, 1, 0, "framing-B/msg"), of("sse", 128, "go", 0, 2, 0, "framing-B/msg"), of("sse", 128, "go", 0, 1, 1, "tls-B/msg"),
		of("websocket", 20, "go", 0, 1, 0, "framing-B/msg"), of("websocket", 128, "go", 0, 1, 0, "framing-B/msg"), of("websocket", 2048, "go", 0, 1, 0, "framing-B/msg"))
	return out.String(), l.lacks()
}

// upTable returns the Markdown of the way up.
func upTable(r results) (string, error) {
	l := &look{results: r}
	var out strings.Builder
	out.WriteString("| the way up | | heads | all | TLS adds | to the feed, p50 | there and back, p50 | the same over TLS |\n|---|---|--:|--:|--:|--:|--:|--:|\n")
	for _, way := range []struct{ name, key string }{
		{"POST /publish", "transport=post/http=1"}, {"POST /publish", "transport=post/http=2"}, {"a WebSocket's frame", "transport=websocket/http=1"},
	} {
		plain, over := way.key+"/tls=0", way.key+"/tls=1"
		version := "HTTP/1.1"
		if strings.HasSuffix(way.key, "2") {
			version = "HTTP/2"
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %s | %s | %s µs | %s µs | %s µs |\n", way.name, version,
			l.value(1, 0, "Up/%s head-B/msg", plain), l.value(1, 0, "Up/%s wire-B/msg", plain), l.difference("Up/%s wire-B/msg", over, plain),
			l.value(1e-3, 0, "Up/%s p50-ns", plain), l.value(1e-3, 0, "Echo/%s p50-ns", plain), l.value(1e-3, 0, "Echo/%s p50-ns", over))
	}
	out.WriteString(`
Bytes and time of a message of 128 bytes on a warm connection: up and, for a POST, its answer. To the feed is from
the call that sends until the feed has it; there and back is by /echo and /websocket/echo. Client and server
share one machine and no network: what a way costs beyond its round trip. The command: ` + "`" + l.config["command"] + "`" + `.
`)
	if l.config["command"] == "" {
		l.missing = append(l.missing, "command:")
	}
	return out.String(), l.lacks()
}

// scenarioTable returns the Markdown of the scenarios, and of what they favour.
func scenarioTable(r results) (string, error) {
	l := &look{results: r}
	var out strings.Builder
	out.WriteString("| | | p99, ms | | | | B/s a client | | | | server CPU a client, ms/s | | | |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n| | HTTP | polling | longpoll | sse | websocket | polling | longpoll | sse | websocket | polling | longpoll | sse | websocket |\n")
	var favours strings.Builder
	rounds := math.MaxInt
	for _, s := range scenario.All {
		var outcomes []measure.Result
		for _, http := range []int{1, 2} {
			cells := map[string]string{}
			for _, transport := range transportNames() {
				key := fmt.Sprintf("Scenario/scenario=%s/transport=%s/http=%d ", s.Name, transport, http)
				if http == 2 && transport == "websocket" {
					continue
				}
				us := func(unit string) *float64 {
					v := l.median(key+unit) / 1e3
					return &v
				}
				o := measure.Result{Transport: transport, HTTP: map[int]string{1: "1.1", 2: "2"}[http], P50: us("p50-ns"), CPU: us("cpu-ns/client-s"), Took: time.Second}
				late := "p99-ns"
				if len(l.values[key+late]) == 0 { // of fewer than 100 messages
					late = "p50-ns"
				} else {
					o.P99 = us(late)
				}
				if s.Direction != scenario.Up {
					o.Age = us("age-ns")
				}
				o.Up.Total = int64(l.median(key + "wire-B/client-s"))
				o.Lost = uint64(l.median(key + "lost/op"))
				outcomes = append(outcomes, o)
				rounds = min(rounds, len(l.values[key+"lost/op"]))
				cells["late "+transport] = l.ms(key + late)
				cells["bytes "+transport] = l.value(1, 0, "%s", key+"wire-B/client-s")
				cells["cpu "+transport] = l.ms(key + "cpu-ns/client-s")
			}
			fmt.Fprintf(&out, "| %s | %s |", s.Name, map[int]string{1: "1.1", 2: "2"}[http])
			for _, figure := range []string{"late ", "bytes ", "cpu "} {
				for _, transport := range transportNames() {
					fmt.Fprintf(&out, " %s |", cmp.Or(cells[figure+transport], "–"))
				}
			}
			out.WriteString("\n")
		}
		alone := s
		alone.Clients = 1 // the figures are of one
		fmt.Fprintf(&favours, "- **%s.** %s %s\n", s.Name, s.Why, measure.Favours(alone, outcomes))
	}
	fmt.Fprintf(&out, `
What six uses get, over a network of 40 ms a round trip: medians of %d rounds of five seconds. `+"`lab measure --scenario game`"+`
shows one, and [scenario.go](internal/scenario/scenario.go) what each asks for: how often, how large, in which direction,
and why. Iot has p50, since its messages are fewer than 100. Bytes are all that crossed, without what is paid once. These
are figures of small crowds on one machine; the favourite is the transport that is, in the figure in which it is worst, the
least far from the best:

`, rounds)
	out.WriteString(favours.String())
	fmt.Fprintf(&out, "\nThe command: `%s`, commit %s.\n", l.config["command"], l.config["commit"])
	for _, key := range []string{"command", "commit"} {
		if l.config[key] == "" {
			l.missing = append(l.missing, key+":")
		}
	}
	return out.String(), l.lacks()
}

// latencyTable returns the Markdown of the time that things take over a network.
func latencyTable(r results) (string, error) {
	l := &look{results: r}
	var out strings.Builder
	out.WriteString("| a message, ms | | rtt 0: p50 | p99 | rtt 20 ms: p50 | p99 | rtt 100 ms: p50 | p99 | max |\n|---|---|--:|--:|--:|--:|--:|--:|--:|\n")
	type reader struct{ name, transport, interval string }
	readers := []reader{
		{"polling every 2 s", "polling", "/interval=2s"}, {"polling every 200 ms", "polling", "/interval=200ms"},
		{"longpoll", "longpoll", ""}, {"sse", "sse", ""}, {"websocket", "websocket", ""},
	}
	spreads := map[string]float64{} // of p50, the greatest
	rounds := 0
	for _, reader := range readers {
		for _, http := range []string{"1", "2"} {
			if reader.transport == "websocket" && http == "2" {
				continue
			}
			fmt.Fprintf(&out, "| %s | %s |", reader.name, map[string]string{"1": "HTTP/1.1", "2": "HTTP/2"}[http])
			for _, rtt := range []string{"0s", "20ms", "100ms"} {
				key := "Latency/transport=" + reader.transport + "/http=" + http + "/rtt=" + rtt + reader.interval
				fmt.Fprintf(&out, " %s | %s |", l.ms(key+" p50-ns"), l.ms(key+" p99-ns"))
				if p50 := l.values[key+" p50-ns"]; rtt != "0s" && len(p50) > 0 {
					spreads[reader.transport] = max(spreads[reader.transport], stats.Spread(p50))
					rounds = len(p50)
				}
			}
			fmt.Fprintf(&out, " %s |\n", l.ms("Latency/transport="+reader.transport+"/http="+http+"/rtt=100ms"+reader.interval+" max-ns"))
		}
	}
	fmt.Fprintf(&out, `
One reader, and 100 messages of 128 bytes in 4 s, published at random instants that wait for nobody. The time of
each counts from when it was to be published until the reader has it, by one clock. A value is the median of %d
rounds of 100 messages; over a network their p50 lie within ±%.0f %% of it for sse and websocket, ±%.0f %% for longpoll
and ±%.0f %% for polling, by which it is chance how long a message waits. A reader whose long-poll was answered has none on
the server for a round trip. At 25 messages a second over 100 ms most come just then, and wait for the next, up to
three trips in all; over 20 ms most do not.

| rtt 100 ms, HTTP/1.1; ms | age of the newest: mean | peak | first message: cold | warm |
|---|--:|--:|--:|--:|
`, rounds, 100*max(spreads["sse"], spreads["websocket"]), 100*spreads["longpoll"], 100*spreads["polling"])
	for _, reader := range readers {
		age := "Age/transport=" + reader.transport + "/http=1/rtt=100ms" + reader.interval
		first := "FirstMessage/transport=" + reader.transport + "/http=1/rtt=100ms/start="
		fmt.Fprintf(&out, "| %s | %s | %s | %s | %s |\n", reader.name, l.ms(age+" mean-ns"), l.ms(age+" peak-ns"), l.ms(first+"cold p50-ns"), l.ms(first+"warm p50-ns"))
	}
	out.WriteString(`
Age is that of the newest message a reader has, weighted by time, while the same messages are published: 40 ms apart on
average, and the newest ages until the next is there. A warm reader is given a connection, as no WebSocket can be.

| rtt 100 ms, HTTP/1.1; ms after the cut | fin: noticed | connected | has all | rst: noticed | connected | has all | silence: noticed | connected | has all |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|
`)
	for _, reader := range readers[1:] {
		fmt.Fprintf(&out, "| %s |", strings.Replace(reader.name, "200 ms", "1 s", 1))
		for _, cut := range []string{"fin", "rst", "silence"} {
			key := "Recovery/transport=" + reader.transport + "/cut=" + cut
			fmt.Fprintf(&out, " %s | %s | %s |", l.ms(key+" noticed-ns"), l.ms(key+" connected-ns"), l.ms(key+" caught-ns"))
		}
		out.WriteString("\n")
	}
	out.WriteString(`
Medians of ten readers that are cut at once, each in a phase of its own, with a message on its way and another to come
1 ms later. The loopback connects at once; each reader waits the round trip that the network charges for it. Polling
connects when the next poll is due. Nobody is told of a silence: here each reader hears something every second (a
heartbeat, the end of a long-poll, the answer to a poll) and closes a connection on which it has heard nothing for two.
Left to themselves these clients bear it for 10 s (polling), 70 s (longpoll) and 40 s.

| there and back, ms | | rtt 20 ms | rtt 100 ms |
|---|---|--:|--:|
`)
	for _, way := range [][2]string{{"POST /echo | HTTP/1.1", "post/http=1"}, {"POST /echo | HTTP/2", "post/http=2"}, {"a WebSocket's frame | HTTP/1.1", "websocket/http=1"}} {
		key := "RoundTrip/by=" + way[1] + "/rtt="
		fmt.Fprintf(&out, "| %s | %s | %s |\n", way[0], l.ms(key+"20ms p50-ns"), l.ms(key+"100ms p50-ns"))
	}

	// What the proofs have exactly, in trips of 50 ms.
	proved := map[string]float64{"Latency/transport=longpoll/http=1/rtt=100ms max-ns": 3}
	for _, t := range []string{"longpoll", "sse", "websocket"} {
		if t != "longpoll" {
			proved["Latency/transport="+t+"/http=1/rtt=100ms p50-ns"] = 1
		}
		proved["FirstMessage/transport="+t+"/http=1/rtt=100ms/start=cold p50-ns"] = 4
		proved["FirstMessage/transport="+t+"/http=1/rtt=100ms/start=warm p50-ns"] = map[bool]float64{true: 4, false: 2}[t == "websocket"]
		for unit, trips := range map[string]float64{" noticed-ns": 0, " caught-ns": 4} {
			proved["Recovery/transport="+t+"/cut=rst"+unit] = trips
			proved["Recovery/transport="+t+"/cut=fin"+unit] = trips + 1
		}
	}
	least, most := math.Inf(1), math.Inf(-1)
	for key, trips := range proved {
		late := l.median(key)/1e6 - 50*trips
		least, most = min(least, late), max(most, late)
	}
	closed, open := "Loop/loop=closed p50-ns", "Loop/loop=open p50-ns"
	missed := 0.0
	for key, values := range r.values {
		if strings.HasSuffix(key, " lost/op") || strings.HasSuffix(key, " duplicated/op") {
			missed += slices.Max(values)
		}
	}
	for what, holds := range map[string]bool{
		"nothing was lost, and nothing came twice": missed == 0,
		"the figures are those of the proofs":      least > -1 && most < 10, // the longest wait of some is a little less than three trips
		"most long-polls are away over 100 ms":     l.median("Latency/transport=longpoll/http=1/rtt=100ms p50-ns") > 75e6,
		"and most are not over 20 ms":              l.median("Latency/transport=longpoll/http=1/rtt=20ms p50-ns") < 15e6,
		"a closed loop shows what is not":          l.median(closed) > 1.5*l.median(open),
	} {
		if !holds && l.missing == nil {
			return "", fmt.Errorf("it does not hold: %s", what)
		}
	}
	for _, key := range []string{"cpu", "machine", "go", "commit", "command"} {
		if r.config[key] == "" {
			l.missing = append(l.missing, key+":")
		}
	}
	fmt.Fprintf(&out, `
Nothing was lost in any round, and nothing came twice. The network is the lab's own, on real connections. The proofs
(`+"`go test ./internal/lab -run Proofs -v`"+`) are about the same network in virtual time, where a figure is exact: one trip
for a message by sse or websocket, three at most by longpoll; two round trips for a first message, one for a warm one;
a trip to notice a FIN, and four more until all is there. The %d figures here that have one there are %.1f to %.1f ms later:
a timer of Go's ends each trip up to 1 ms late, and the rest is the machine.

A benchmark can make its own latency. A client polls every 20 ms, with no network. To one that publishes when the
message before has come, it takes %s ms (p50): each is published just behind a poll, and waits for the next. News does
not know of polls: published at random, half of it is there after %s ms. The first of these tables is of the second kind.

%s, %s; %s, commit %s, `+"`%s`"+`. More figures are in [benchmarks/results](benchmarks/results/latency.txt).
`, len(proved), least, most, l.ms(closed), l.ms(open), r.config["cpu"], r.config["machine"], r.config["go"], r.config["commit"], r.config["command"])
	return out.String(), l.lacks()
}

// difference returns by how much one key's median exceeds another's.
func (l *look) difference(format, more, less string) string {
	a, _ := strconv.ParseFloat(l.value(1, 6, format, more), 64)
	b, _ := strconv.ParseFloat(l.value(1, 6, format, less), 64)
	return strconv.FormatFloat(a-b, 'f', 0, 64)
}

// cell writes both, the median times scale.
func cell(values []float64, scale float64, unit string) string {
	return fmt.Sprintf("%s%s ±%.0f %%", digits(stats.Median(values)*scale), unit, 100*stats.Spread(values))
}

// digits writes three digits, or all those before the point.
func digits(v float64) string {
	before := 1 + int(math.Floor(math.Log10(max(v, 1))))
	return strconv.FormatFloat(v, 'f', max(0, 3-before), 64)
}

// transportNames are the four, in their order.
func transportNames() (names []string) {
	for _, t := range lab.Transports {
		names = append(names, t.Name)
	}
	return names
}
