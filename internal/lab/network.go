package lab

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"fourwires/internal/netsim"

	"github.com/gin-gonic/gin"
)

// networkState is what GET and PUT /control/network speak of.
type networkState struct {
	RTT    string  `json:"rtt"` // a Go duration
	Jitter string  `json:"jitter"`
	Kbps   float64 `json:"kbps"`
}

// showNetwork tells, too, whether somebody has set it: a page sets one unasked only where nobody has.
func (l *Lab) showNetwork(c *gin.Context) {
	s := l.Network.Settings()
	c.JSON(http.StatusOK, struct {
		networkState
		Set bool `json:"set"`
	}{networkState{s.RTT.String(), s.Jitter.String(), s.Kbps}, l.chosen.Load()})
}

// setNetwork puts a network into force. What the body does not name is 0.
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
	l.chosen.Store(true)
	l.showNetwork(c)
}

// clearNetwork brings a clean network back, whatever was done to it.
func (l *Lab) clearNetwork(c *gin.Context) {
	l.Network.Clear()
	l.chosen.Store(true)
	l.showNetwork(c)
}

// cut cuts connections: those by which a lane of a page was asked last, or a lane
// of any page, or all.
func (l *Lab) cut(c *gin.Context) {
	var asked struct {
		Kind netsim.Cut `json:"kind"`
		For  string     `json:"for"` // a Go duration
		Lane string     `json:"lane"`
		Page string     `json:"page"`
	}
	if !l.decode(c, &asked, "kind", "for", "lane", "page") {
		return
	}
	var lasting time.Duration
	if asked.For != "" {
		var err error
		if lasting, err = time.ParseDuration(asked.For); err != nil {
			fail(c, http.StatusBadRequest, fmt.Sprintf("for %q: must be a duration, such as 20s", asked.For))
			return
		}
	}
	var known []string
	for _, t := range Transports {
		known = append(known, t.Name)
	}
	if asked.Lane != "" && !slices.Contains(known, asked.Lane) {
		fail(c, http.StatusNotFound, fmt.Sprintf("lane %q: must be one of %s", asked.Lane, strings.Join(known, ", ")))
		return
	}
	if err := asked.Kind.Check(lasting); err != nil {
		fail(c, http.StatusBadRequest, err.Error())
		return
	}
	cut, lanes := 0, map[string]bool{}
	for _, conn := range l.Network.Conns() {
		carries := l.carried.by(conn.RemoteAddr())
		if (asked.Lane != "" || asked.Page != "") && !slices.ContainsFunc(carries, func(way way) bool {
			return (asked.Lane == "" || way.lane == asked.Lane) && (asked.Page == "" || way.page == asked.Page)
		}) {
			continue
		}
		conn.Cut(asked.Kind, lasting)
		cut++
		for _, way := range carries {
			lanes[way.lane] = true
		}
	}
	if cut == 0 && (asked.Lane != "" || asked.Page != "") {
		fail(c, http.StatusNotFound, fmt.Sprintf("no connection carries %s now", strings.TrimSpace(asked.Lane+" "+asked.Page)))
		return
	}
	names := []string{}
	for _, t := range Transports {
		if lanes[t.Name] {
			names = append(names, t.Name)
		}
	}
	c.JSON(http.StatusOK, gin.H{"connections": cut, "lanes": names})
}

// again answers, and ends the lab so that another begins: with another epoch, and
// settings as they are now.
func (l *Lab) again(c *gin.Context) {
	c.JSON(http.StatusAccepted, gin.H{"epoch": l.Feed.Head().Epoch})
	l.restart(ErrRestart)
}

// decode reads a body that is one JSON object and nothing behind it, each of whose names is one of these and given
// once, or fails the request.
func (l *Lab) decode(c *gin.Context, into any, names ...string) bool {
	body, ok := l.readBody(c)
	if !ok {
		return false
	}
	err := onlyMembers(body, names)
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		fail(c, http.StatusBadRequest, fmt.Sprintf("the body is an object with any of %s: %v", strings.Join(names, ", "), err))
	}
	return err == nil
}

// onlyMembers refuses what json.Unmarshal takes beside one object with these names: a name in other letters, one that
// is given twice, of which the last would hold (RFC 8259, section 4), and null, which would change nothing.
func onlyMembers(body []byte, names []string) error {
	if !json.Valid(body) {
		return json.Unmarshal(body, new(any)) // which says where it goes wrong
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	if begin, _ := decoder.Token(); begin != json.Delim('{') {
		return errors.New("it is another value")
	}
	given := map[string]bool{}
	for decoder.More() {
		token, _ := decoder.Token()
		name := token.(string)
		var value json.RawMessage
		decoder.Decode(&value)
		switch {
		case !slices.Contains(names, name):
			return fmt.Errorf("it does not know %q", name)
		case given[name]:
			return fmt.Errorf("%s is given twice", name)
		case string(value) == "null":
			return fmt.Errorf("%s is null", name)
		}
		given[name] = true
	}
	return nil
}

// A way is a lane of a page; the page is "" where none was named.
type way struct{ page, lane string }

// carriers know by which connection each way was asked last. On HTTP/1.1 a
// connection carries what it was asked last; on HTTP/2 it carries others, too.
type carriers struct {
	most int // ways
	mu   sync.Mutex
	at   map[way]string   // the client's address
	ways map[string][]way // the same, by that
}

func newCarriers(pages int) *carriers {
	return &carriers{most: pages * len(Transports), at: map[way]string{}, ways: map[string][]way{}}
}

// asked notes a request. With as many ways as there may be, some are forgotten.
func (c *carriers) asked(by way, client string, alone bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at[by] == client && (!alone || len(c.ways[client]) == 1) {
		return
	}
	if alone {
		c.drop(client)
	}
	if was, known := c.at[by]; known {
		c.ways[was] = slices.DeleteFunc(c.ways[was], func(w way) bool { return w == by })
	} else if len(c.at) >= c.most {
		for _, some := range c.at {
			c.drop(some)
			break
		}
	}
	c.at[by] = client
	c.ways[client] = append(c.ways[client], by)
}

func (c *carriers) drop(client string) {
	for _, by := range c.ways[client] {
		delete(c.at, by)
	}
	delete(c.ways, client)
}

// forget forgets a connection that was closed: another may get its client's address.
func (c *carriers) forget(client net.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(client.String())
}

// by returns the ways that a client's connection carries.
func (c *carriers) by(client net.Addr) []way {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.ways[client.String()])
}

// carries notes the requests of a lane.
func (c *carriers) carries(lane string) gin.HandlerFunc {
	return func(g *gin.Context) {
		c.asked(way{g.Query("page"), lane}, g.Request.RemoteAddr, g.Request.ProtoMajor == 1)
	}
}
