package benchmarks

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"text/template"
	"time"

	"fourwires/internal/lab"
	"fourwires/internal/measure"
	"fourwires/internal/protocol"
	"fourwires/internal/scenario"
	"fourwires/internal/stats"
)

var update = flag.Bool("update", false, "rewrite the tables of README.md, and the model of lab decide")

// tables are the parts of README.md that are made of a file of results/: with what its template in testdata/ is
// executed.
var tables = map[string]func(*results) (any, error){
	"all": costs, "overhead": overheads, "up": upstreams, "latency": latencies, "scenario": scenarios,
}

// TestTable holds README.md's tables to the results that they are made of.
func TestTable(t *testing.T) {
	for file, data := range tables {
		want := render(t, file, data)
		readme, err := os.ReadFile("../README.md")
		if err != nil {
			t.Fatal(err)
		}
		begin := fmt.Sprintf("<!-- from benchmarks/results/%s.txt: go test ./benchmarks -run Table -update -->\n", file)
		const end = "<!-- end -->\n"
		before, rest, found := bytes.Cut(readme, []byte(begin))
		got, after, closed := bytes.Cut(rest, []byte(end))
		if !found || !closed {
			t.Fatalf("README.md has no place for the table, between %q and %q", begin, end)
		}
		if bytes.Equal(got, want) {
			continue
		}
		if !*update {
			t.Fatalf("README.md's table is not that of results/%s.txt: go test ./benchmarks -run Table -update makes it\n%s",
				file, want)
		}
		readme = slices.Concat(before, []byte(begin), want, []byte(end), after)
		if err := os.WriteFile("../README.md", readme, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// render executes the template of a file of results.
func render(t *testing.T, file string, data func(*results) (any, error)) []byte {
	t.Helper()
	text, err := template.ParseFiles("testdata/" + file + ".md")
	if err != nil {
		t.Fatal(err)
	}
	r := recorded(t, file)
	values, err := data(r)
	if err != nil {
		t.Fatalf("results/%s.txt: %v", file, err)
	}
	var out bytes.Buffer
	if err := text.Execute(&out, values); err != nil {
		t.Fatal(err)
	}
	if err := r.complete(); err != nil {
		t.Fatalf("results/%s.txt: %v", file, err)
	}
	return out.Bytes()
}

// rows are those of a table of Markdown.
type rows []string

func (r *rows) add(cells ...string) { *r = append(*r, "| "+strings.Join(cells, " | ")+" |") }

func (r rows) String() string { return strings.Join(r, "\n") }

// none stands where a transport does not speak a version of HTTP.
const none = "–"

var versionNames = map[int]string{1: "HTTP/1.1", 2: "HTTP/2"}

// costs are what a message and a reader cost the server.
func costs(r *results) (any, error) {
	const cpu = "Fanout/transport=%s/readers=1000 cpu-ns/msg"
	of := func(format, transport string) []float64 { return r.all(fmt.Sprintf(format, transport)) }
	limit := of(cpu, "tcp")
	var all rows
	for _, transport := range transports {
		var ratios []float64
		for i, v := range of(cpu, transport) {
			ratios = append(ratios, v/limit[min(i, len(limit)-1)]) // of the same round
		}
		all.add(transport,
			withSpread(of(cpu, transport), 1e-3, " µs"),
			withSpread(ratios, 1, ""),
			withSpread(of("Fanout/transport=%s/readers=1000 p50-ns", transport), 1e-6, " ms"),
			withSpread(of("Fanout/transport=%s/readers=1000 p99-ns", transport), 1e-6, " ms"),
			withSpread(of("Idle/transport=%s/readers=1000 B/reader", transport), 1.0/1024, " KiB"),
			withSpread(of("CatchUp/transport=%s msg/cpu-s", transport), 1e-6, " M"))
	}
	return struct {
		*results
		Rows    rows
		Rounds  int
		Trimmed bool
	}{r, all, len(limit), len(limit) >= stats.Trim}, nil
}

// overheadTables are the bytes that a message costs.
type overheadTables struct {
	*results
	Messages, Once, Cookies rows
}

// Cost returns what Overhead measured. Where HTTP/2 makes it a fraction, it has a digit after the point.
func (o overheadTables) Cost(transport string, payload int, headers string, cookie, http, tls int, unit string) string {
	digits := 0
	if http == 2 && slices.Contains([]string{"head-B/msg", "wire-B/msg", "tls-B/msg"}, unit) {
		digits = 1
	}
	return o.fixed(fmt.Sprintf("Overhead/transport=%s/payload=%d/headers=%s/cookie=%d/http=%d/tls=%d %s",
		transport, payload, headers, cookie, http, tls, unit), 1, digits)
}

func overheads(r *results) (any, error) {
	o := overheadTables{results: r}
	sets := []string{protocol.Go, protocol.Chrome}
	for _, t := range lab.Transports {
		for _, headers := range sets {
			cells, tls := []string{t.Name, headers}, []string{}
			for _, http := range []int{1, 2} {
				spoken := slices.Contains(versions(t), http)
				cost := func(tls int, unit string) string {
					if !spoken {
						return none
					}
					return o.Cost(t.Name, 128, headers, 0, http, tls, unit)
				}
				for _, unit := range []string{"head-B/msg", "envelope-B/msg", "framing-B/msg", "wire-B/msg"} {
					cells = append(cells, cost(0, unit))
				}
				tls = append(tls, cost(1, "tls-B/msg"))
			}
			o.Messages.add(append(cells, tls...)...)
		}
	}
	once := func(title, transport, headers, unit string) {
		t, _ := lab.Find(transport)
		cells := []string{title, headers}
		for _, tls := range []int{0, 1} {
			for _, http := range []int{1, 2} {
				if slices.Contains(versions(t), http) {
					cells = append(cells, o.Cost(transport, 128, headers, 0, http, tls, unit))
				} else {
					cells = append(cells, none)
				}
			}
		}
		o.Once.add(cells...)
	}
	for _, headers := range sets {
		once("the first poll's heads", "polling", headers, "first-B")
	}
	for _, transport := range []string{"polling", "sse", "websocket"} {
		once("opening: "+transport, transport, protocol.Go, "opening-B")
	}
	for _, http := range []int{1, 2} {
		for _, headers := range sets {
			cells := []string{versionNames[http], headers}
			for _, cookie := range []int{0, 512, 4096} {
				cells = append(cells, o.Cost("polling", 128, headers, cookie, http, 0, "head-B/msg"))
			}
			o.Cookies.add(cells...)
		}
	}
	return o, nil
}

// upstreams are what a message upstream costs.
func upstreams(r *results) (any, error) {
	var all rows
	for _, u := range upstreamKinds {
		key := fmt.Sprintf("transport=%s/http=%d", u.name, u.http)
		plain, tls := key+"/tls=0", key+"/tls=1"
		title := map[string]string{"post": "POST /publish", "websocket": "a WebSocket's frame"}[u.name]
		all.add(title, versionNames[u.http],
			r.fixed("Up/"+plain+" head-B/msg", 1, 0), r.fixed("Up/"+plain+" wire-B/msg", 1, 0),
			fmt.Sprintf("%.0f", r.median("Up/"+tls+" wire-B/msg")-r.median("Up/"+plain+" wire-B/msg")),
			r.fixed("Up/"+plain+" p50-ns", 1e-3, 0)+" µs", r.fixed("Echo/"+plain+" p50-ns", 1e-3, 0)+" µs",
			r.fixed("Echo/"+tls+" p50-ns", 1e-3, 0)+" µs")
	}
	return struct {
		*results
		Rows rows
	}{r, all}, nil
}

// scenarios are what six uses get, and which transport they favour.
func scenarios(r *results) (any, error) {
	var all rows
	var favourites []string
	rounds := math.MaxInt
	for _, s := range scenario.All {
		var outcomes []measure.Result
		for _, http := range []int{1, 2} {
			version := strings.TrimPrefix(versionNames[http], "HTTP/")
			var late, bytes, cpu []string
			for _, t := range lab.Transports {
				if !slices.Contains(versions(t), http) {
					late, bytes, cpu = append(late, none), append(bytes, none), append(cpu, none)
					continue
				}
				key := fmt.Sprintf("Scenario/scenario=%s/transport=%s/http=%d ", s.Name, t.Name, http)
				us := func(unit string) *float64 {
					v := r.median(key+unit) / 1e3
					return &v
				}
				o := measure.Result{
					Transport: t.Name, HTTP: version, P50: us("p50-ns"), CPU: us("cpu-ns/client-s"), Took: time.Second,
				}
				latest := "p50-ns"
				if len(r.values[key+"p99-ns"]) > 0 { // not of fewer than 100 messages
					latest, o.P99 = "p99-ns", us("p99-ns")
				}
				if s.Direction != scenario.Up {
					o.Age = us("age-ns")
				}
				o.Up.Total = int64(r.median(key + "wire-B/client-s"))
				o.Lost = uint64(r.median(key + "lost/op"))
				outcomes = append(outcomes, o)
				rounds = min(rounds, len(r.values[key+"lost/op"]))
				late = append(late, r.Ms(key+latest))
				bytes = append(bytes, r.fixed(key+"wire-B/client-s", 1, 0))
				cpu = append(cpu, r.Ms(key+"cpu-ns/client-s"))
			}
			all.add(slices.Concat([]string{s.Name, version}, late, bytes, cpu)...)
		}
		alone := s
		alone.Clients = 1 // the figures are of one
		favourites = append(favourites, fmt.Sprintf("- **%s.** %s %s", s.Name, s.Why, measure.Favours(alone, outcomes)))
	}
	return struct {
		*results
		Rows       rows
		Rounds     int
		Favourites string
	}{r, all, rounds, strings.Join(favourites, "\n")}, nil
}

// latencyTables are the time that things take over a network.
type latencyTables struct {
	*results
	Messages, Ages, Cuts, Echoes rows
	Rounds, Proved               int
	least, most                  float64 // by how many ms the figures exceed what was proved
}

func (l latencyTables) Least() string { return fmt.Sprintf("%.1f", l.least) }
func (l latencyTables) Most() string  { return fmt.Sprintf("%.1f", l.most) }

// Spread returns by how many per cent p50 lies from its median, at most, in these transports' rounds over a network.
func (l latencyTables) Spread(transports ...string) string {
	most := 0.0
	for key, values := range l.values {
		for _, transport := range transports {
			p50 := strings.HasPrefix(key, "Latency/transport="+transport+"/") && strings.HasSuffix(key, " p50-ns")
			if p50 && !strings.Contains(key, "/rtt=0s") {
				most = max(most, stats.Spread(values))
			}
		}
	}
	return fmt.Sprintf("%.0f", 100*most)
}

func latencies(r *results) (any, error) {
	l := latencyTables{results: r}
	readers := []struct{ title, transport, interval string }{
		{"polling every 2 s", "polling", "/interval=2s"}, {"polling every 200 ms", "polling", "/interval=200ms"},
		{"longpoll", "longpoll", ""}, {"sse", "sse", ""}, {"websocket", "websocket", ""},
	}
	for _, reader := range readers {
		t, _ := lab.Find(reader.transport)
		for _, http := range versions(t) {
			cells := []string{reader.title, versionNames[http]}
			key := func(rtt, unit string) string {
				return fmt.Sprintf("Latency/transport=%s/http=%d/rtt=%s%s %s", t.Name, http, rtt, reader.interval, unit)
			}
			for _, rtt := range []string{"0s", "20ms", "100ms"} {
				cells = append(cells, r.Ms(key(rtt, "p50-ns")), r.Ms(key(rtt, "p99-ns")))
			}
			l.Messages.add(append(cells, r.Ms(key("100ms", "max-ns")))...)
			l.Rounds = len(r.all(key("100ms", "p50-ns")))
		}
		age := "Age/transport=" + t.Name + "/http=1/rtt=100ms" + reader.interval
		first := "FirstMessage/transport=" + t.Name + "/http=1/rtt=100ms/start="
		l.Ages.add(reader.title, r.Ms(age+" mean-ns"), r.Ms(age+" peak-ns"),
			r.Ms(first+"cold p50-ns"), r.Ms(first+"warm p50-ns"))
	}
	for _, reader := range readers[1:] {
		cells := []string{strings.Replace(reader.title, "200 ms", "1 s", 1)}
		for _, cut := range []string{"fin", "rst", "silence"} {
			key := "Recovery/transport=" + reader.transport + "/cut=" + cut
			cells = append(cells, r.Ms(key+" noticed-ns"), r.Ms(key+" connected-ns"), r.Ms(key+" caught-ns"))
		}
		l.Cuts.add(cells...)
	}
	for _, u := range upstreamKinds {
		key := fmt.Sprintf("RoundTrip/by=%s/http=%d/rtt=", u.name, u.http)
		title := map[string]string{"post": "POST /echo", "websocket": "a WebSocket's frame"}[u.name]
		l.Echoes.add(title, versionNames[u.http], r.Ms(key+"20ms p50-ns"), r.Ms(key+"100ms p50-ns"))
	}
	proved := provedLatencies()
	l.Proved, l.least, l.most = len(proved), math.Inf(1), math.Inf(-1)
	for key, delays := range proved {
		late := r.median(key)/1e6 - 50*delays
		l.least, l.most = min(l.least, late), max(l.most, late)
	}
	return l, l.check()
}

// provedLatencies returns the latencies that the proofs have exactly, in one-way delays of 50 ms.
func provedLatencies() map[string]float64 {
	proved := map[string]float64{"Latency/transport=longpoll/http=1/rtt=100ms max-ns": 3}
	for _, t := range []string{"longpoll", "sse", "websocket"} {
		if t != "longpoll" {
			proved["Latency/transport="+t+"/http=1/rtt=100ms p50-ns"] = 1
		}
		proved["FirstMessage/transport="+t+"/http=1/rtt=100ms/start=cold p50-ns"] = 4
		warm := map[bool]float64{true: 4, false: 2}[t == "websocket"]
		proved["FirstMessage/transport="+t+"/http=1/rtt=100ms/start=warm p50-ns"] = warm
		for unit, delays := range map[string]float64{" noticed-ns": 0, " caught-ns": 4} {
			proved["Recovery/transport="+t+"/cut=rst"+unit] = delays
			proved["Recovery/transport="+t+"/cut=fin"+unit] = delays + 1
		}
	}
	return proved
}

// check returns an error where the prose of the template does not hold.
func (l latencyTables) check() error {
	faults := 0.0
	for key, values := range l.values {
		if strings.HasSuffix(key, " lost/op") || strings.HasSuffix(key, " duplicated/op") {
			faults += slices.Max(values)
		}
	}
	p50 := func(key string) float64 { return l.median(key + " p50-ns") }
	for what, holds := range map[string]bool{
		"nothing was lost, and nothing came twice": faults == 0,
		"the figures are those of the proofs":      l.least > -1 && l.most < 10, // some wait a little less than the most
		"most long-polls are away over 100 ms":     p50("Latency/transport=longpoll/http=1/rtt=100ms") > 75e6,
		"and most are not over 20 ms":              p50("Latency/transport=longpoll/http=1/rtt=20ms") < 15e6,
		"a closed loop shows what is not":          p50("Loop/loop=closed") > 1.5*p50("Loop/loop=open"),
	} {
		if !holds {
			return cmp.Or(l.complete(), fmt.Errorf("it does not hold: %s", what))
		}
	}
	return nil
}
