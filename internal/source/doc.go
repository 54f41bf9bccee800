// Package source says where messages come from and how fast: a [Pump]
// publishes the data of one source to a feed. Some sources are made here and
// take any pace, others are inputs from elsewhere and bring their own.
//
// # Made here
//
// host: readings of this machine, a new one at most every 100 ms. A message
// that comes sooner repeats the last reading; sampled tells.
//
//	{"cpu":12.5,"memory":43.1,"load":0.52,"in":1234,"out":987,"sampled":1767225600000000}
//
//	cpu      busy time of all processors since the reading before, 0 to 100 %
//	memory   in use, 0 to 100 %
//	load     load average of the last minute
//	in, out  bytes a second since the reading before, all interfaces
//	         together, the loopback too
//	sampled  when the reading was taken, µs since the Unix epoch
//
// What cannot be read is left out: load on Windows, or cpu, in and out until a
// second reading gives them something to compare with.
//
// market: one step of one of twenty invented instruments. change is against
// the price that this instrument had before; a price never falls below 1.00.
// The same seed gives the same bytes, whatever the rate and the phase.
//
//	{"symbol":"QUOKKA","price":101.25,"change":-0.13}
//
// none: nothing. The feed carries only what others publish to it.
//
// # Inputs
//
// A pump knows those that it was made with: a change of its settings chooses
// among them, and cannot name another file or address. Rate, phase, payload and
// seed do not touch them. When one has ended it says so in the log, and the
// pump waits for another source.
//
// stdin and relay publish text that is JSON as it is, and any other as a JSON
// string; bad UTF-8 is replaced by U+FFFD first, as a browser does it. What the
// feed then does not take, since it is larger than [feed.MaxData] or nested deeper
// than [feed.MaxDepth], is skipped and logged.
//
// stdin: the lines of standard input, as fast as they come; blank ones and a byte
// order mark are skipped, and lines may end in CR LF. While another source is in
// force nothing more is read: whoever writes has to wait, and nothing is lost.
//
//	64 bytes from localhost: time=0.03 ms    "64 bytes from localhost: time=0.03 ms"
//	{"temperature": 21.5}                    {"temperature":21.5}
//
// relay: the data of each event of a stream of Server-Sent Events, of whatever
// type but hello and heartbeat, which are not messages where another lab sends
// them. After a cut, and after a time with another source, it goes on behind
// the last event id; of a stream without ids, what came meanwhile is lost. An
// event of more than 1 MiB is skipped and logged.
//
// An id that no header can carry, or with which the stream answers 4xx, is not
// sent again: the log says that the stream is read anew, and that there may be a
// gap. The other 4xx are of credentials (401, 407) and of time (408, 425, 429),
// and do not concern the id.
//
// Between two attempts a relay waits at random: at least a second, or what the
// stream's retry asks for, and at most twice that, which doubles with each
// attempt that brings no event. 30 s is the limit of all. A refusal is tried
// again like any failure, where a browser gives up; only 204 ends the relay, for
// that is how a stream says so. Redirects are followed, a permanent one (301,
// 308) for all later attempts too. The proxy is that of the environment, and
// the User-Agent is fourwires-relay.
//
// replay: the messages of a file, one a line as this lab sends them, with the
// gaps that their times have, divided by the speed. The first comes at once;
// there is no gap where the clock went back. Ids are the feed's own. Blank lines,
// a byte order mark and what else a lab sends, which is gaps, heartbeats and where
// a stream begins, are skipped. So is a line that is anything else, or cut short;
// the log names the first, and says at the end how many these were. The replay
// does not loop, but begins anew whenever the source changes to it. Such a file,
// and what makes one, line by line (-u), so that Ctrl-C leaves what has come:
//
//	{"id":412,"at":1767225600000000,"data":{"cpu":12.5}}
//
//	curl -sN http://127.0.0.1:8080/sse | sed -un 's/^data: //p' > recording
//
// # Payload
//
// A payload of n bytes makes the data exactly n bytes long, by a last field
// "pad" full of x. Data that is longer than n with an empty pad stays as it is.
//
// # Pace
//
// The schedule, that of a replay too, is open loop: each message has an intended
// instant, one gap after the intended instant of the message before, however
// late that one was. What has fallen due meanwhile is published at once, so
// neither a coarse timer nor a slow moment lowers the rate. Only a pump more
// than a second behind, such as that of a laptop which slept, begins a new
// schedule: it must not flood.
package source
