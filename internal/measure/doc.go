// Package measure measures the transports side by side: what each costs to bring the same messages to a client, in
// bytes, requests, time and the server's CPU.
//
// # What is fair here
//
// The transports are measured one after the other, so that none competes with another for processors and wire. Each has
// a server of its own, a process that has just begun, so that ids, and with them the bytes of a message, are the same
// for all; and each has the same schedule. The clients are this repository's own, in this process.
//
// Before anything is counted, every client has received [WarmUp] messages. Then n messages are published at instants
// drawn at random over the time asked for: a Poisson process of which n is known. The schedule does not wait for
// receipts, and begins at a random moment between two polls.
//
// # What is counted
//
// Bytes are those of the clients' sockets, by part as package wire names them, from the beginning of the schedule to
// the end of draining. That is when every client has received every message, or the interval of polling and two seconds
// later. So empty polls and heartbeats count, and what a client sends when it leaves does not. The opening of a stream,
// its bytes and its request, comes before the schedule, but counts: it is paid for what follows. All connections count.
//
// Latency is the time from the instant at which a message was due to the client's callback, by the monotonic clock that
// all processes of a machine share. The server's CPU time is its getrusage, the kernel's work for it included. The
// process is asked for it before the schedule and after draining. On systems other than Linux and macOS, latency and
// CPU time are unknown.
//
// Lost, duplicated and reordered messages are counted by id and client: an id that was missing when draining ended, one
// that had been received before, one that was received after a higher one.
//
// Age is how old the newest message is that a client has, counted from when it was due: its mean over time.
//
// # Scenarios
//
// A scenario (package scenario) has a rate, a payload, bursts, and a direction. Where messages go upstream, each client
// sends frames on its WebSocket or POST requests, of which at most six are under way at once. The message has its
// number in it, so that its latency counts from the instant at which it was due to be sent to the callback of each
// client. Where messages go upstream alone, the server echoes them, which stands for an acknowledgement, and latency
// counts until the echo is received.
//
// # An external server
//
// A target with a URL is an external server. Its feed is measured as it is, from the first connection on and without a
// warm-up. The CPU time of its process cannot be read. If the server is a lab, its clock can be asked for ([Clock]):
// then latency is from a message's timestamp by that clock to the callback by ours, with the error of the estimate; a
// negative latency is shown as it is. Otherwise latency is unknown. The end of the feed is unknown too: an id is lost
// only if a higher one was received.
package measure
