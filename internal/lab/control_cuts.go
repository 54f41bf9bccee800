package lab

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"fourwires/internal/netsim"

	"github.com/gin-gonic/gin"
)

// cutRequest is the body of POST /control/cuts.
type cutRequest struct {
	Kind netsim.Cut `json:"kind"`
	For  string     `json:"for"`  // a Go duration
	Lane string     `json:"lane"` // "": of any lane
	Page string     `json:"page"` // "": of any page
}

// check returns how long the cut lasts, or the status and the sentence of what is wrong with the request.
func (r cutRequest) check() (lasting time.Duration, status int, err error) {
	if r.For != "" {
		if lasting, err = time.ParseDuration(r.For); err != nil {
			return 0, http.StatusBadRequest, fmt.Errorf("for %q: must be a duration, such as 20s", r.For)
		}
	}
	if _, found := Find(r.Lane); r.Lane != "" && !found {
		var names []string
		for _, t := range Transports {
			names = append(names, t.Name)
		}
		return 0, http.StatusNotFound, fmt.Errorf("lane %q: must be one of %s", r.Lane, strings.Join(names, ", "))
	}
	return lasting, http.StatusBadRequest, r.Kind.Check(lasting)
}

// all reports whether the cut is of all connections, whatever they serve.
func (r cutRequest) all() bool { return r.Lane == "" && r.Page == "" }

// matches reports whether the cut is of the connections of this lane.
func (r cutRequest) matches(lane pageLane) bool {
	return (r.Lane == "" || lane.name == r.Lane) && (r.Page == "" || lane.page == r.Page)
}

// cut cuts the connections over which a lane was last requested: a lane of one page, or of any page; or it cuts all
// connections.
func (l *Lab) cut(c *gin.Context) {
	var asked cutRequest
	if !l.decode(c, &asked, "kind", "for", "lane", "page") {
		return
	}
	lasting, status, err := asked.check()
	if err != nil {
		fail(c, status, err.Error())
		return
	}
	cut, hit := 0, map[string]bool{}
	for _, conn := range l.Network.Conns() {
		lanes := l.lastLanes.of(conn.RemoteAddr())
		if !asked.all() && !slices.ContainsFunc(lanes, asked.matches) {
			continue
		}
		conn.Cut(asked.Kind, lasting)
		cut++
		for _, lane := range lanes {
			hit[lane.name] = true
		}
	}
	if cut == 0 && !asked.all() {
		lane := strings.TrimSpace(asked.Lane + " " + asked.Page)
		fail(c, http.StatusNotFound, fmt.Sprintf("no connection carries %s now", lane))
		return
	}
	names := []string{}
	for _, t := range Transports {
		if hit[t.Name] {
			names = append(names, t.Name)
		}
	}
	c.JSON(http.StatusOK, gin.H{"connections": cut, "lanes": names})
}
