package lab

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"time"

	"fourwires/internal/netsim"
	"fourwires/internal/source"

	"github.com/gin-gonic/gin"
)

// runTime is how long a run lasts unless it is renewed: a page that was closed ends none.
const runTime = 20 * time.Second

// A run is a page's own use of the lab: until it ends, only this page changes the feed's settings and the network, and
// then both are as they were before.
type run struct {
	page       string // "": nobody has one
	until      time.Time
	source     source.Settings // as it was before
	network    netsim.Settings
	networkSet bool
}

// beginRun begins a page's run, or renews it.
func (l *Lab) beginRun(c *gin.Context) {
	page := c.Query("page")
	if page == "" {
		fail(c, http.StatusBadRequest, "a run is a page's: name it, as in ?page=7f3a")
		return
	}
	l.changes.Lock()
	defer l.changes.Unlock()
	if l.refused(c) {
		return
	}
	if l.run.page == "" {
		l.run = run{
			page: page, source: l.pump.Settings(), network: l.Network.Settings(), networkSet: l.networkSet.Load(),
		}
	}
	l.run.until = time.Now().Add(runTime)
	c.JSON(http.StatusOK, gin.H{"page": page, "for": runTime.String()})
}

// endRun ends a page's run. A page that has none, perhaps since it was not renewed, is answered 409.
func (l *Lab) endRun(c *gin.Context) {
	l.changes.Lock()
	defer l.changes.Unlock()
	if page := c.Query("page"); l.run.page == "" || l.run.page != page {
		fail(c, http.StatusConflict, fmt.Sprintf("page %q has no run", page))
		return
	}
	l.restore()
	c.Status(http.StatusNoContent)
}

// refuseDuringRun is middleware that refuses a change while another page has a run.
func (l *Lab) refuseDuringRun(c *gin.Context) {
	l.changes.Lock()
	defer l.changes.Unlock()
	l.refused(c)
}

// refused answers a request that another page's run keeps from changing anything, and reports whether it did. The
// caller holds changes.
func (l *Lab) refused(c *gin.Context) bool {
	l.endOverdue()
	if l.run.page == "" || l.run.page == c.Query("page") {
		return false
	}
	left := int(math.Ceil(time.Until(l.run.until).Seconds()))
	c.Header("Retry-After", fmt.Sprint(left))
	fail(c, http.StatusConflict, "another page runs a step or an experiment: try again when it has ended")
	return true
}

// endOverdue ends a run that was not renewed. The caller holds changes.
func (l *Lab) endOverdue() {
	if l.run.page != "" && !time.Now().Before(l.run.until) {
		l.restore()
	}
}

// restore ends the run, and has the feed and the network as they were before it. The caller holds changes.
func (l *Lab) restore() {
	before := l.run
	l.run = run{}
	if err := l.pump.Change(before.source); err != nil {
		l.settings.Log.Error("the feed is not as before the run", "error", err)
	}
	if err := l.Network.Set(before.network); err != nil {
		l.settings.Log.Error("the network is not as before the run", "error", err)
	}
	l.networkSet.Store(before.networkSet)
}

// endRuns ends each run that is not renewed, until ctx ends.
func (l *Lab) endRuns(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			l.changes.Lock()
			l.endOverdue()
			l.changes.Unlock()
		}
	}
}
