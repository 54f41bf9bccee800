// Package benchmarks measures what the four transports cost a server and its
// readers, beside the least that it can cost.
//
//	go test ./benchmarks -run '^$' -bench Fanout//readers=1000 -benchtime 50x
//
// asks one question; the key before each number is what benchstat reads
// (golang.org/x/perf/cmd/benchstat), as in benchstat -col /transport. And
//
//	benchmarks/run.sh && go test ./benchmarks -run Table -update
//
// asks these four ten times in about ten minutes, keeps the raw answers in
// results/all.txt and makes README.md's table of them. It needs Linux.
//
//	Fanout   what one message to one of many readers costs, and how long it takes
//	Idle     what a reader costs to whom nothing comes
//	Connect  what a reader that comes and goes costs, and how long the first message takes
//	CatchUp  what a message costs a reader that is 4 096 of them behind
//
// Six more are about time over a network, the lab's own on real connections:
//
//	benchmarks/latency.sh && go test ./benchmarks -run Table -update
//
// asks them ten times in about eight minutes and keeps the answers in
// results/latency.txt. With benchstat -col /transport,/interval, polling has a
// column for each of its intervals.
//
//	Latency       how long news is on its way, published without regard to its reader
//	Loop          what the same would seem to take if it waited for the reader
//	Age           how old the newest is that a reader has, at any time
//	FirstMessage  how long a reader waits that has just come, cold and warm
//	Recovery      how long a cut is: until noticed, connected again, and all is there
//	RoundTrip     how many round trips an echo takes, by POST and by WebSocket
//
// The others are asked by themselves:
//
//	Overhead  what a message costs in bytes beside itself; exact, so once is enough:
//	          go test ./benchmarks -run '^$' -bench Overhead -benchtime 1x >benchmarks/results/overhead.txt
//	Up, Echo  what the way up costs, by POST and by WebSocket, without a network; results/up.txt says how it was run
//	Tap       what it costs the server to name every byte; results/tap.txt says how it was run
//	Compress  when compression helps and when it costs; its CPU time is that of both ends;
//	          results/compress.txt says how it was run
//	Vain, Pace, Send, Take, Held  what lab decide has to know besides; results/model.txt says how they were run, and
//	          go test ./benchmarks -run Model -update makes its model of them and of the others
//
// # What is fair here
//
// The server is a process of its own, a whole lab but for its ledger: the tap
// that counts bytes is off, except where Tap asks. Its CPU time is its own
// (getrusage), the kernel's work for it included. The readers, this repository's
// own clients, run in the process of the benchmark and do the same work for each
// message. All transports carry the same bytes from the same feed. A run is warmed up first; run.sh runs all transports in
// each of its rounds, so that a machine that changes its pace does so for all.
//
// transport=tcp is no transport but the limit: plain connections, to which one
// goroutine writes each message and a line feed, with one write for each message
// and connection. For readers that are behind it does the same, a goroutine a
// connection. There the four pass it: they join what waits into one write.
//
// Messages are published on a schedule that does not wait for receipts, ten a
// second on average, at random instants (exponential gaps). A message says on
// the machine's monotonic clock when it was to be published, and its latency is
// from then to the callback in the client; if the server is late with it, that
// counts. CPU time for a message is the server's CPU time between two moments
// over what came to readers between them.
//
// What a reader lost is counted by id after all had time to come, and so is what
// came twice; one cannot hide the other.
//
// Over a network there is one reader, and the lab is in its process: nobody has much
// to do, and what counts is who waits for what. All that is above of schedules and
// of loss holds there, too. A schedule is that of a Poisson process of which the
// number is known: 100 instants, evenly at random over a whole number of polling
// intervals, of which the beginning is at random.
//
// # What is not
//
// Server and readers share the cores and the loopback interface: the kernel
// takes a packet to its receiver in the sender's CPU time, which no network card
// would, and the readers take the CPU when the server could use it. So a latency
// compares the transports on this machine, and is none to expect elsewhere. With
// many readers it is mostly the time until a reader's turn comes, in the server
// and in the client.
//
// The server's CPU time includes publishing: about half a millisecond for each
// message, most of it to wake an idle process. 1 000 readers share that; with
// readers=1 it is nearly all there is.
//
// A polling reader asks every 2 s whatever comes: its figures are those of that
// interval and of ten messages a second. A long-polling reader gets in one answer
// what was published since it asked, so that at a faster pace a message costs it
// less; so do the others when they fall behind.
//
// Idle counts what the process holds in memory after a collection. The kernel
// holds more for each connection, its socket and buffers, alike for all.
//
// A network delays by timers of Go's, which are up to 1 ms late, once in each
// direction. It loses no packets, so that nothing is sent again, as it would be on
// a line that does. Six benchmarks of latency.sh run side by side: that is a tenth
// of two cores, and without a network a message may take some µs longer for it. At
// 25 messages a second over 100 ms a long-poll is rarely there when one comes; at a
// slower pace it nearly always is, and a message takes one trip.
//
// Connect includes the reader's leaving in its CPU time, and the client's work
// in its time. The 99th percentile of latency is over deliveries, but all that a
// message caused come together: 50 messages to 1 000 readers are 50 samples of
// what the machine was up to, not 50 000. One run proves nothing.
package benchmarks
