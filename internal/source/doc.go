// Package source publishes messages to a feed: a [Pump] publishes the data of one source. Some sources are generated
// here, at any pace; others are inputs from elsewhere, with a pace of their own.
//
// # Generated here
//
// host: readings of this machine, a new one at most every 100 ms. A message that is due sooner repeats the last
// reading; its sampled is the same.
//
//	{"cpu":12.5,"memory":43.1,"load":0.52,"in":1234,"out":987,"sampled":1767225600000000}
//
//	cpu      busy time of all processors since the reading before, 0 to 100 %
//	memory   in use, 0 to 100 %
//	load     load average of the last minute
//	in, out  bytes a second since the reading before, of all network interfaces
//	         together, the loopback included
//	sampled  when the reading was taken, µs since the Unix epoch
//
// A figure that cannot be read is left out: load on Windows; and cpu, in and out in the first reading, because they are
// differences of two.
//
// market: one step of one of twenty invented instruments. The change is against the last price of the same instrument;
// a price never falls below 1.00. The same seed gives the same bytes, whatever the rate and the phase.
//
//	{"symbol":"QUOKKA","price":101.25,"change":-0.13}
//
// none: nothing. The feed has only the messages that clients publish.
//
// # Inputs
//
// A pump has the inputs that it was created with: a change of its settings chooses one of them, and cannot name another
// file or address. Rate, phase, payload and seed do not apply to them. When one has ended, the log says so, and the
// pump waits for a change of the source.
//
// stdin and relay publish text that is JSON as it is, and other text as a JSON string; bad UTF-8 is first replaced by
// U+FFFD, as in a browser. Data that the feed does not accept, because it is larger than [feed.MaxData] or nested
// deeper than [feed.MaxDepth], is skipped and logged.
//
// stdin: the lines of standard input, as fast as they arrive. Blank lines and a byte order mark are skipped, and lines
// may end in CR LF. While the pump has another source no more is read: the program that writes blocks, and nothing is
// lost.
//
//	64 bytes from localhost: time=0.03 ms    "64 bytes from localhost: time=0.03 ms"
//	{"temperature": 21.5}                    {"temperature":21.5}
//
// relay: the data of each event of a stream of Server-Sent Events, of any type except hello and heartbeat, which
// another lab sends besides its messages. After a failure, and after a time with another source, it resumes behind the
// last event id; from a stream without ids, the events of that time are lost. An event of more than 1 MiB is skipped
// and logged.
//
// An id that no header can carry, or to which the stream responds with a status of 4xx, is not sent a second time: the
// stream is read without it, and the log says so and that there may be a gap. This excludes the 4xx about credentials
// (401, 407) and time (408, 425, 429), which are not about the id.
//
// Between two attempts a relay waits for a random time: at least a second, or the stream's retry, and at most twice
// that, which doubles with each attempt that brings no event; never more than 30 s. After a refusal it tries once more,
// as after any failure, where a browser would give up; only 204 ends the relay, because a stream ends its clients so.
// Redirects are followed, a permanent one (301, 308) for all later attempts too. The proxy is that of the environment,
// and the User-Agent is fourwires-relay.
//
// replay: the messages of a file, one a line as this lab sends them, with the gaps between their times, divided by the
// speed. The first is published at once; there is no gap where the clock went back. Ids are the feed's own. Blank
// lines, a byte order mark and the other objects of a lab, which are gaps, heartbeats and hellos, are skipped. Any
// other line is skipped too, also one that is cut short; the log names the first of these, and at the end their number.
// The replay does not loop, but starts from the beginning whenever the source changes to it. Such a file, and a command
// that records one, line by line (-u), so that Ctrl-C keeps the lines so far:
//
//	{"id":412,"at":1767225600000000,"data":{"cpu":12.5}}
//
//	curl -sN http://127.0.0.1:8080/sse | sed -un 's/^data: //p' > recording
//
// # Payload
//
// A payload of n bytes makes the data exactly n bytes long, by a last field "pad" full of x. Data that would be longer
// with an empty pad is not padded.
//
// # Pace
//
// The schedule, also that of a replay, is open loop: each message has an intended instant, one gap after the intended
// instant of the message before, however late that one was. Messages that have fallen due meanwhile are published at
// once, so neither a coarse timer nor a slow moment lowers the rate. Only a pump that is more than a second behind,
// such as that of a laptop which slept, starts a new schedule, so that it does not flood the feed.
package source
