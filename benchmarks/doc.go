// Package benchmarks measures what the four transports cost a server and its readers, and compares them with the least
// that it can cost: plain TCP connections.
//
//	go test ./benchmarks -run '^$' -bench Fanout//readers=1000 -benchtime 50x
//
// asks one question. The key before each number is what benchstat reads (golang.org/x/perf/cmd/benchstat), as in
// benchstat -col /transport. And
//
//	benchmarks/run.sh && go test ./benchmarks -run Table -update
//
// asks these four ten times in about ten minutes, keeps the raw answers in results/all.txt and makes README.md's table
// of them. It needs Linux.
//
//	Fanout   what one message to one of many readers costs, and how long it takes
//	Idle     what memory an idle reader takes
//	Connect  what it costs that a reader connects and leaves, and how long its first message takes
//	CatchUp  what a message costs a reader that lacks 4 096 of them
//
// Six more are about time over a network, the lab's own on real connections:
//
//	benchmarks/latency.sh && go test ./benchmarks -run Table -update
//
// asks them ten times in about eight minutes and keeps the answers in results/latency.txt. With
// benchstat -col /transport,/interval, polling has a column for each of its intervals.
//
//	Latency       how long a message takes that is published without regard to its reader
//	Loop          how long the same would seem to take if publishing waited for the reader
//	Age           how old the newest message is that a reader holds, at any time
//	FirstMessage  how long a reader waits for its first message, cold and warm
//	Recovery      how long a cut lasts: until noticed, connected again, and caught up
//	RoundTrip     how many round trips an echo takes, by POST and by WebSocket
//
// The others are asked one by one:
//
//	Overhead  what a message costs in bytes beside itself; exact, so once is enough:
//	          go test ./benchmarks -run '^$' -bench Overhead -benchtime 1x >benchmarks/results/overhead.txt
//	Up, Echo  what a message upstream costs, by POST and by WebSocket, without a network; see results/up.txt
//	Tap       what it costs the server to name every byte; see results/tap.txt
//	Recording what it costs the server besides to record a page that somebody looks at
//	Compress  when compression helps and when it costs; its CPU time is that of both ends; see results/compress.txt
//	Scenario  what six uses of a live feed get; benchmarks/scenario.sh writes results/scenario.txt
//	EmptyPoll, Pace, Send, Take, Memory
//	          what lab decide must know besides; see results/model.txt.
//	          go test ./benchmarks -run Model -update makes its model of these and the other results
//
// Each file of results says by which command it was written.
//
// # What is fair here
//
// The server is a process of its own, a whole lab without its ledger: the tap that counts bytes is off, except where
// Tap asks. Its CPU time is its own (getrusage), including the kernel's work for it. The readers, this repository's own
// clients, run in the process of the benchmark and do the same work for each message. All transports carry the same
// bytes from the same feed. A run is warmed up first. run.sh runs all transports in each of its rounds, so that a
// machine that becomes slower does so for all.
//
// transport=tcp is not a transport but the limit: plain connections, to which one goroutine writes each message and a
// line feed, with one write for each message and connection. For readers that catch up it does the same, with one
// goroutine for each connection. There the four are cheaper than the limit: they join waiting messages into one write.
//
// Messages are published on a schedule that does not wait for receipts, ten a second on average, at random instants
// (exponential gaps). A message holds the instant at which it is due, by the machine's monotonic clock. Its latency is
// from then to the callback in the client, so a late server counts. CPU time for a message is the server's CPU time
// between two moments over the number of messages that readers received between them.
//
// Lost messages are counted by id after all had time to arrive, and so are duplicated and reordered ones; one cannot
// hide the other.
//
// Over a network there is one reader, and the lab is in its process: the processors are mostly idle, and what is
// measured is waiting. All of the above about schedules and loss holds there, too. A schedule is that of a Poisson
// process of which the number is known: 100 instants, evenly at random over a whole number of polling intervals, which
// begin at a random instant.
//
// A quantile is always a value that was measured, the nearest rank. README.md's tables have medians over the rounds;
// see package stats.
//
// # What is not
//
// Server and readers share the cores and the loopback interface. The kernel delivers a packet to its receiver in the
// sender's CPU time, which no network card would, and the readers take the CPU when the server could use it. So a
// latency compares the transports on this machine, and cannot be expected elsewhere. With many readers it is mostly the
// time until a reader's turn is there, in the server and in the client.
//
// The server's CPU time includes publishing: about half a millisecond for each message, most of it to wake an idle
// process. 1 000 readers share that; with readers=1 it is nearly all there is.
//
// A polling reader asks every 2 s, news or not: its figures are those of that interval and of ten messages a second. A
// long-polling reader gets in one answer what was published since it asked, so that at a faster pace a message costs it
// less; so do the others when they fall behind.
//
// Idle counts the memory of the process after a collection. The kernel holds more for each connection, its socket and
// buffers, alike for all.
//
// A network delays by timers of Go's, which are up to 1 ms late, once in each direction. It loses no packets, so
// nothing is sent again, as it would be on a line that loses some. Six benchmarks of latency.sh run side by side: that
// is a tenth of two cores, and without a network a message may take some µs longer for it. At 25 messages a second over
// 100 ms a long-poll is rarely at the server when a message is published; at a slower pace it nearly always is, and a
// message takes one one-way delay.
//
// Connect includes the reader's leaving in its CPU time, and the client's work in its time. The 99th percentile of
// latency is over deliveries, but all that one message caused arrive together: 50 messages to 1 000 readers are 50
// samples of what the machine was doing, not 50 000. One run proves nothing.
package benchmarks
