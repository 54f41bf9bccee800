package lab

import (
	"strconv"

	"fourwires/feed"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics are what Prometheus reads, on the control address at /metrics.
type metrics struct {
	registry  *prometheus.Registry
	readers   *prometheus.GaugeVec
	messages  *prometheus.CounterVec
	bytes     *prometheus.CounterVec
	gaps      *prometheus.CounterVec
	delay     *prometheus.HistogramVec
	refusals  *prometheus.CounterVec
	published prometheus.CounterFunc
}

func newMetrics(f *feed.Feed) *metrics {
	by := []string{"transport"}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		readers: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "fourwires_readers", Help: "Requests that are being answered: streams, held long-polls, and polls.",
		}, by),
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fourwires_messages_sent_total", Help: "Messages that were written to readers.",
		}, by),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fourwires_payload_bytes_total", Help: "Bytes of those messages, without what is around them.",
		}, by),
		gaps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fourwires_gaps_total", Help: "Gaps that readers were told of.",
		}, by),
		delay: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "fourwires_publish_to_write_seconds",
			Help:    "Time from a message's publishing to the end of the write that carried it.",
			Buckets: prometheus.ExponentialBuckets(10e-6, 4, 12), // 10 µs to 42 s
		}, by),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fourwires_refusals_total",
			Help: "Requests that were refused, by status; frames from clients of WebSockets, as frame; " +
				"faults in frames of HTTP/2, as http2; TLS handshakes, as tls.",
		}, []string{"cause"}),
	}
	m.published = prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "fourwires_messages_published_total", Help: "Messages that the feed accepted.",
	}, func() float64 { return float64(f.Head().ID) })
	m.registry.MustRegister(m.readers, m.messages, m.bytes, m.gaps, m.delay, m.refusals, m.published,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// sent returns the function that a transport's handler calls with what it wrote.
func (m *metrics) sent(f *feed.Feed, transport string) Sent {
	messages, bytes := m.messages.WithLabelValues(transport), m.bytes.WithLabelValues(transport)
	gaps, delay := m.gaps.WithLabelValues(transport), m.delay.WithLabelValues(transport)
	return func(msgs []feed.Message, missing int) {
		size := 0
		for _, msg := range msgs {
			size += len(msg.JSON())
			delay.Observe(f.Age(msg).Seconds())
		}
		messages.Add(float64(len(msgs)))
		bytes.Add(float64(size))
		gaps.Add(float64(missing))
	}
}

// reading returns middleware that counts the requests of a transport that are being answered.
func (m *metrics) reading(transport string) gin.HandlerFunc {
	readers := m.readers.WithLabelValues(transport)
	return func(c *gin.Context) {
		readers.Inc()
		defer readers.Dec()
		c.Next()
	}
}

// refused is middleware that counts the requests that were refused.
func (m *metrics) refused(c *gin.Context) {
	c.Next()
	if status := c.Writer.Status(); status >= 400 {
		m.refusals.WithLabelValues(strconv.Itoa(status)).Inc()
	}
}
