package measure

import (
	"testing"
	"time"

	"fourwires/internal/scenario"
)

// The result is favoured whose worst figure is closest to the best, unless it lost messages.
func TestFavours(t *testing.T) {
	us := func(v float64) *float64 { return &v }
	r := func(name string, age, p99, bytes float64, lost uint64) Result {
		r := Result{Transport: name, HTTP: "1.1", Age: us(age), P99: us(p99), CPU: us(1e6), Lost: lost, Took: time.Second}
		r.Down.Total = int64(bytes)
		return r
	}
	s := scenario.Scenario{Clients: 1}
	got := Favours(s, []Result{r("polling", 100, 100, 100, 0), r("sse", 20, 20, 150, 0), r("websocket", 10, 10, 50, 1)})
	want := "These figures favour sse by HTTP/1.1, at most 3.0 times the best (in bytes); " +
		"then comes polling by HTTP/1.1, at most 10.0 times the best (in age)."
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
