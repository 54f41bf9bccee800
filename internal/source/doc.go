// Package source says where messages come from and how fast: a [Pump]
// publishes the data of one source to a feed.
//
// # Sources
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
// # Payload
//
// A payload of n bytes makes the data exactly n bytes long, by a last field
// "pad" full of x. Data that is longer than n with an empty pad stays as it is.
//
// # Pace
//
// The schedule is open loop: each message has an intended instant, one gap
// after the intended instant of the message before, however late that one was.
// What has fallen due meanwhile is published at once, so neither a coarse timer
// nor a slow moment lowers the rate. Only a pump more than a second behind, such
// as that of a laptop which slept, begins a new schedule: it must not flood.
package source
