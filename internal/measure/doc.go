// Package measure sets the transports side by side: what each costs to bring
// the same messages to a client, in bytes, requests, time and the server's CPU.
//
// # What is fair here
//
// The transports are measured one after the other, so that none competes with
// another for processors and wire. Each has a server of its own, a process that
// has just begun, so that ids, and with them the bytes of a message, are the
// same on all; and each has the same schedule. The clients are this
// repository's own, in this process.
//
// Before anything is counted, [WarmUp] messages have come to every client. Then
// n messages are published at instants drawn at random over the time asked for:
// a Poisson process of which n is known. The schedule does not wait for
// receipts, and begins at a random moment between two polls.
//
// # What is counted
//
// Bytes are those of the clients' sockets, by part as package wire names them,
// from the beginning of the schedule to the end of draining, which is when every
// message has come to every client, or the interval of polling and two seconds
// later. So empty polls and heartbeats count, and a client's leave does not. The
// opening of a stream, its bytes and its request, lies before, but counts as it
// is: it is paid for what follows. The connections are all that were opened.
//
// Latency runs from the instant at which a message was due to the client's
// callback, by the monotonic clock that all processes of a machine share. What
// the server's CPU did is its getrusage, the kernel's work for it included; the
// process says it when asked, before the schedule and after draining. On
// systems other than Linux and macOS, latency and CPU are not known.
//
// Lost, duplicated and reordered are counted by id and client: an id that had
// not come when draining ended, one that came again, one that came after a
// higher one.
//
// Age is how old the newest message is that a client has, from when it was due, over
// time: its mean.
//
// # Scenarios
//
// A [Scenario] says how often messages come, how large, how many together, and in
// which direction. Where they go up, each goes by its client's own way: a frame of
// its WebSocket or a POST, of which six at most are under way by a client. It says
// its number, so that its latency is from the instant at which it was due to be sent
// to the callback of each client. Where they only go up they are echoed, which stands
// for an acknowledgement, and the latency is until that.
//
// # Another's server
//
// Its feed is measured as it is, from the first connection on and without a
// warm-up. The CPU of another's process cannot be read. If the server is a lab it
// says its clock ([Clock]), and latency is from a message's stamp by its clock to the
// callback by ours, with the error that this may have; a negative one is shown. Else
// latency is not known. Nor is the end of the feed: an id is lost only if a higher one
// has come.
package measure
