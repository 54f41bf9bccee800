package measure

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"fourwires/internal/wire"
)

// A Result is what was measured of one transport. Its JSON has the same names, each with its unit.
type Result struct {
	Transport string `json:"transport"`
	HTTP      string `json:"http"` // version, 1.1 or 2
	TLS       bool   `json:"tls"`
	Network   string `json:"network"` // loopback, with what was put between; or unknown

	Delivered   int    `json:"delivered"` // messages, each counted once for each client
	Lost        uint64 `json:"lost"`      // after draining
	Duplicated  int    `json:"duplicated"`
	Reordered   int    `json:"reordered"`
	Requests    int64  `json:"requests"` // those that open streams are paid once
	Connections int64  `json:"connections"`

	P50 *float64 `json:"p50_us"`         // of the one-way latency; nil: unknown
	P99 *float64 `json:"p99_us"`         // nil also with fewer than 100 samples
	Off *float64 `json:"clock_error_us"` // the error of latencies between two clocks, ±; nil: none, or unknown
	Age *float64 `json:"age_us"`         // of the newest message that a client has, its mean over time; nil: unknown
	CPU *float64 `json:"cpu_us"`         // of the server's process, for all messages; nil: unknown

	Up   wire.Parts `json:"up"` // bytes
	Down wire.Parts `json:"down"`

	Took time.Duration `json:"-"` // of the schedule
}

// JSON returns a function that prints a result as one line of JSON.
func JSON(w io.Writer) func(Result) error {
	return func(r Result) error { return json.NewEncoder(w).Encode(r) }
}

// CSV returns a function that prints a result as one record, the first after a header. The names are those of the JSON,
// with "up_" and "down_" before those of parts; what is unknown is empty.
func CSV(w io.Writer) func(Result) error {
	out := csv.NewWriter(w)
	header := false
	return func(r Result) error {
		names := []string{"transport", "http", "tls", "network", "delivered", "lost", "duplicated", "reordered",
			"requests", "connections", "p50_us", "p99_us", "clock_error_us", "age_us", "cpu_us"}
		values := []string{r.Transport, r.HTTP, strconv.FormatBool(r.TLS), r.Network,
			fmt.Sprint(r.Delivered), fmt.Sprint(r.Lost), fmt.Sprint(r.Duplicated), fmt.Sprint(r.Reordered),
			fmt.Sprint(r.Requests), fmt.Sprint(r.Connections),
			known(r.P50), known(r.P99), known(r.Off), known(r.Age), known(r.CPU)}
		for _, direction := range directions {
			bytes := direction.of(r)
			for part, n := range bytes.All() {
				names = append(names, direction.name+"_"+part.String())
				values = append(values, fmt.Sprint(n))
			}
			names, values = append(names, direction.name+"_total"), append(values, fmt.Sprint(bytes.Total))
		}
		if !header {
			out.Write(names)
			header = true
		}
		out.Write(values)
		out.Flush()
		return out.Error()
	}
}

// known returns the text of a value, or none.
func known(value *float64) string {
	if value == nil {
		return ""
	}
	return strconv.FormatFloat(*value, 'f', -1, 64)
}

// directions are the two directions of a result.
var directions = []struct {
	name string
	of   func(Result) wire.Parts
}{
	{"up", func(r Result) wire.Parts { return r.Up }},
	{"down", func(r Result) wire.Parts { return r.Down }},
}
