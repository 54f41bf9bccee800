package lab

import (
	"fmt"
	"net/http"
	"time"

	"fourwires/internal/netsim"

	"github.com/gin-gonic/gin"
)

// networkState is what PUT /control/network takes and GET answers.
type networkState struct {
	RTT    string  `json:"rtt"` // a Go duration
	Jitter string  `json:"jitter"`
	Kbps   float64 `json:"kbps"`
}

// showNetwork answers also whether somebody has set the network: a page sets one of its own accord only where nobody
// has.
func (l *Lab) showNetwork(c *gin.Context) {
	s := l.Network.Settings()
	c.JSON(http.StatusOK, struct {
		networkState
		Set bool `json:"set"`
	}{networkState{s.RTT.String(), s.Jitter.String(), s.Kbps}, l.networkSet.Load()})
}

// setNetwork sets the network. What the body does not name is 0.
func (l *Lab) setNetwork(c *gin.Context) {
	state := networkState{RTT: "0s", Jitter: "0s"}
	if !l.decode(c, &state, "rtt", "jitter", "kbps") {
		return
	}
	settings := netsim.Settings{Kbps: state.Kbps}
	for _, field := range []struct {
		name, text string
		into       *time.Duration
	}{{"rtt", state.RTT, &settings.RTT}, {"jitter", state.Jitter, &settings.Jitter}} {
		var err error
		if *field.into, err = time.ParseDuration(field.text); err != nil {
			fail(c, http.StatusBadRequest, fmt.Sprintf("%s %q: must be a duration, such as 100ms", field.name, field.text))
			return
		}
	}
	if err := l.Network.Set(settings); err != nil {
		fail(c, http.StatusBadRequest, err.Error())
		return
	}
	l.networkSet.Store(true)
	l.showNetwork(c)
}

// clearNetwork sets a network that delays nothing, and ends every silence and stall.
func (l *Lab) clearNetwork(c *gin.Context) {
	l.Network.Clear()
	l.networkSet.Store(true)
	l.showNetwork(c)
}
