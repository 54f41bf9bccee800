// Package benchmarks measures what the four transports cost a server and its
// readers, beside the least that it can cost.
//
//	go test ./benchmarks -run '^$' -bench Fanout
//
// Keys are written as benchstat reads them (golang.org/x/perf/cmd/benchstat), so
//
//	benchstat -col /transport -row .name,/readers results/fanout.txt
//
// sets the transports side by side.
//
// # What is fair here
//
// The server is a process of its own, a whole lab as "lab serve" runs it, and
// its CPU time is its own (getrusage), kernel time included; the readers, this
// repository's own clients, run in the benchmark's process. All transports carry
// the same bytes from the same feed. transport=tcp is no transport but the
// limit: one goroutine that writes those bytes, one write for each message and
// connection, to plain TCP connections.
//
// Messages are published on a schedule that does not wait for receipts, at
// random phases. A message carries the monotonic clock of the machine when it
// was published, which the readers' process shares; the latency of each
// delivery runs from there to the callback. p50 and p99 are over all deliveries
// of the run, and lost counts those that never came.
//
// # What is not
//
// Server and readers share the machine's cores, so a latency says how the
// transports compare on this machine in this run, not what they would take on
// another. A polling reader asks every two seconds whatever the rate: its
// figures are those of that interval. One run proves nothing: -count=10 and
// benchstat do.
package benchmarks
