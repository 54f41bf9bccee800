package lab

import (
	"cmp"
	"net/http"

	"fourwires/internal/source"

	"github.com/gin-gonic/gin"
)

// feedState is the answer of GET and PATCH /control/feed.
type feedState struct {
	Epoch string `json:"epoch"`
	Head  uint64 `json:"head"`
	source.Settings
	Sources []string `json:"sources"`
	Phases  []string `json:"phases"`
}

func (l *Lab) showFeed(c *gin.Context) {
	head := l.Feed.Head()
	c.JSON(http.StatusOK, feedState{head.Epoch, head.ID, l.pump.Settings(), l.pump.Sources(), source.Phases()})
}

// changeFeed changes the settings that the body names: all of them, or none if one is wrong.
func (l *Lab) changeFeed(c *gin.Context) {
	var change struct {
		Source  *string  `json:"source"`
		Rate    *float64 `json:"rate"`
		Phase   *string  `json:"phase"`
		Burst   *int     `json:"burst"`
		Apart   *float64 `json:"apart_ms"`
		Payload *int     `json:"payload"`
	}
	if !l.decode(c, &change, "source", "rate", "phase", "burst", "apart_ms", "payload") {
		return
	}
	l.changes.Lock()
	defer l.changes.Unlock()
	s := l.pump.Settings()
	s.Source = *cmp.Or(change.Source, &s.Source)
	s.Rate = *cmp.Or(change.Rate, &s.Rate)
	s.Phase = *cmp.Or(change.Phase, &s.Phase)
	s.Burst = *cmp.Or(change.Burst, &s.Burst)
	s.Apart = *cmp.Or(change.Apart, &s.Apart)
	s.Payload = *cmp.Or(change.Payload, &s.Payload)
	if err := l.pump.Change(s); err != nil {
		fail(c, http.StatusBadRequest, err.Error())
		return
	}
	l.showFeed(c)
}
