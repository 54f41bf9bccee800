package decide

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"sync"
	"time"
)

// The model says what a candidate costs, from what was measured: model.json has the medians, and benchmarks' TestModel
// makes it from benchmarks/results and holds it to them.
//
//	bytes   of a message of 128 bytes, part by part, with TLS; a part that depends on the size is worked out for
//	        another size
//	CPU     of a message to one of 500 readers, and of a poll, which costs more the rarer polls are (the server is
//	        woken for each); without TLS
//	memory  of an idle reader
//
// How late a message is, is worked out from one-way delays and intervals: what a machine that never pauses would reach.
//
// The model leaves out what is paid once: connecting, and the headers of a stream.

//go:embed model.json
var modelJSON []byte

var model = sync.OnceValue(func() map[string]float64 {
	m := map[string]float64{}
	if err := json.Unmarshal(modelJSON, &m); err != nil {
		panic(fmt.Sprintf("decide: model.json: %v", err)) // a test reads it
	}
	return m
})

// fitted returns a value of model.json.
func fitted(format string, args ...any) float64 {
	key := fmt.Sprintf(format, args...)
	value, found := model()[key]
	if !found {
		panic(fmt.Sprintf("decide: model.json has no %q", key))
	}
	return value
}

const (
	aroundData = len(`{"id":1000,"at":1700000000000000,"data":}`) // bytes of a message beside its data
	wait       = 25 * time.Second                                 // of a long-poll
	heartbeat  = 15 * time.Second                                 // of a stream
	tlsRecord  = 22                                               // bytes that a TLS record adds
)

// aroundMessage returns the bytes that a message needs beside its own when it comes alone: those of its answer, event
// or frame, and of TLS.
func aroundMessage(transport string, n Need) float64 {
	http := n.version(transport)
	of := func(part string) float64 { return fitted("%s/%s/%d %s-B", transport, n.Headers, http, part) }
	length := float64(n.Size + aroundData)
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
		framing += 9 * (math.Ceil(body/16_384) - 1) // more DATA frames
	}
	records := math.Ceil(length / 16_384)
	return of("head") + of("envelope") + framing + of("tls") + tlsRecord*(records-1)
}

// emptyPoll returns the bytes of a poll that finds no news.
func emptyPoll(n Need) float64 { return fitted("empty poll/%s/%d B", n.Headers, n.HTTP) }

// silence returns the bytes a second of a stream on which no message is sent: a comment, or a ping and a pong, and a
// TLS record for each.
func silence(transport string, http int) float64 {
	bytes := 0.0
	switch {
	case transport == "websocket":
		bytes = 2 + 6 + 2*tlsRecord
	case http == 1:
		bytes = float64(len("3\r\n:\n\n\r\n")) + tlsRecord
	default:
		bytes = 9 + float64(len(":\n\n")) + tlsRecord
	}
	return bytes / heartbeat.Seconds()
}

// pollCPU returns the seconds of CPU time of one poll, where so many come each second.
func pollCPU(http int, perSecond float64) float64 {
	measured := []float64{100, 1000, 5000}
	cost := func(i int) float64 { return fitted("polling/%d cpu-ns at %.0f/s", http, measured[i]) / 1e9 }
	switch last := len(measured) - 1; {
	case perSecond <= measured[0]:
		return cost(0)
	case perSecond >= measured[last]:
		return cost(last)
	}
	i := 0
	for perSecond > measured[i+1] {
		i++
	}
	share := math.Log(perSecond/measured[i]) / math.Log(measured[i+1]/measured[i])
	return cost(i) * math.Pow(cost(i+1)/cost(i), share)
}

// rearm returns how many requests a second a long-polling client sends, which share of the messages finds no request
// waiting, and which share of the requests brings no message. After an answer, with a message or without, no request
// waits for a round trip: the re-arm gap. Then one waits for the next message, or until its time is over. Messages are
// a Poisson process, so the share of messages in a gap is the share of the time.
func rearm(rate, rtt float64) (requests, missed, empty float64) {
	none := math.Exp(-rate * rtt)               // the chance that no message comes in the gap
	timeout := math.Exp(-rate * wait.Seconds()) // the chance that none comes while a request waits
	cycle := rtt + none*(1-timeout)/rate        // the mean time from one answer to the next
	return 1 / cycle, rtt / cycle, none * timeout
}
