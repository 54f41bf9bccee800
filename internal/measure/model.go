package measure

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"sync"
	"time"
)

// The model says what a way to bring messages costs, from what was measured:
// model.json has the medians, and benchmarks' TestModel makes it from
// benchmarks/results and holds it to them.
//
//	bytes   those of a message of 128 bytes, part by part, with TLS; a part that
//	        depends on the size is worked out for another
//	CPU     of a message to one of 500 readers, and of a poll, which is dearer the
//	        rarer polls are (the server is woken for each); without TLS
//	memory  of an idle reader
//
// How late a message is, is worked out of trips and intervals: what a machine that
// never pauses would reach.
//
// What is paid once is not in it: connecting, and the head of a stream.

//go:embed model.json
var modelJSON []byte

var model = sync.OnceValue(func() map[string]float64 {
	m := map[string]float64{}
	if err := json.Unmarshal(modelJSON, &m); err != nil {
		panic(fmt.Sprintf("measure: model.json: %v", err)) // a test reads it
	}
	return m
})

// fitted returns a value of model.json.
func fitted(format string, args ...any) float64 {
	key := fmt.Sprintf(format, args...)
	value, found := model()[key]
	if !found {
		panic(fmt.Sprintf("measure: model.json has no %q", key))
	}
	return value
}

const (
	around    = len(`{"id":1000,"at":1700000000000000,"data":}`) // what a message is beside its data
	wait      = 25 * time.Second                                 // of a long-poll
	heartbeat = 15 * time.Second                                 // of a stream
)

// message returns the bytes of a message of so many bytes of data that comes by
// itself, by a transport, without the message: what its answer, event or frame
// needs, and its TLS.
func message(transport string, n Need) float64 {
	http := n.version(transport)
	of := func(part string) float64 { return fitted("%s/%s/%d %s-B", transport, n.Headers, http, part) }
	length := float64(n.Size + around)
	framing := of("framing")
	switch body := length + of("envelope"); {
	case transport == "websocket":
		switch {
		case length <= 125:
			framing = 2
		case length <= 65_535:
			framing = 4
		default:
			framing = 10
		}
	case transport == "sse" && http == 1:
		framing = 4 + math.Ceil(math.Log(body+1)/math.Log(16)) // the size in hexadecimal, and two line ends
	case http == 2:
		framing += 9 * (math.Ceil(body/16_384) - 1) // more frames
	}
	records := math.Ceil(length / 16_384) // of TLS
	return of("head") + of("envelope") + framing + of("tls") + 22*(records-1)
}

// vain returns the bytes of a poll that brings nothing.
func vain(n Need) float64 { return fitted("vain/%s/%d B", n.Headers, n.HTTP) }

// silence returns the bytes a second of a stream on which nothing is sent: a comment,
// or a ping and a pong, and a record of TLS for each.
func silence(transport string, http int) float64 {
	bytes := 0.0
	switch {
	case transport == "websocket":
		bytes = 2 + 6 + 2*22
	case http == 1:
		bytes = float64(len("3\r\n:\n\n\r\n")) + 22
	default:
		bytes = 9 + float64(len(":\n\n")) + 22
	}
	return bytes / heartbeat.Seconds()
}

// poll returns the CPU seconds of a poll, where there are so many a second.
func poll(http int, pace float64) float64 {
	paces := []float64{100, 1000, 5000}
	cost := func(i int) float64 { return fitted("polling/%d cpu-ns at %.0f/s", http, paces[i]) / 1e9 }
	switch last := len(paces) - 1; {
	case pace <= paces[0]:
		return cost(0)
	case pace >= paces[last]:
		return cost(last)
	}
	i := 0
	for pace > paces[i+1] {
		i++
	}
	share := math.Log(pace/paces[i]) / math.Log(paces[i+1]/paces[i])
	return cost(i) * math.Pow(cost(i+1)/cost(i), share)
}

// rearm returns how many requests a second a long-polling client sends, which share
// of the messages finds none waiting, and which share of the requests brings nothing.
// After an answer, one without a message too, no request is there for a round trip: the
// re-arm gap. Then one waits for the next message, or until its time is over. Messages
// are a Poisson process, so the share of them that is in a gap is that of the time.
func rearm(rate, rtt float64) (requests, missed, empty float64) {
	none := math.Exp(-rate * rtt) // the chance that nothing comes in the gap
	late := math.Exp(-rate * wait.Seconds())
	cycle := rtt + none*(1-late)/rate // from one answer to the next, its mean
	return 1 / cycle, rtt / cycle, none * late
}
