package lab

import (
	"net"
	"slices"
	"sync"

	"github.com/gin-gonic/gin"
)

// A pageLane is a lane of a page. The page is "" in requests that name none.
type pageLane struct{ page, name string }

// lastLanes knows over which connection each lane of each page was last requested. An HTTP/1.1 connection has one lane,
// the last that was requested over it; an HTTP/2 connection may have several.
type lastLanes struct {
	limit   int // of lanes
	mu      sync.Mutex
	clients map[pageLane]string   // the client's address
	lanes   map[string][]pageLane // the inverse: the lanes of a client's address
}

func newLastLanes(pages int) *lastLanes {
	return &lastLanes{
		limit:   pages * len(Transports),
		clients: map[pageLane]string{},
		lanes:   map[string][]pageLane{},
	}
}

// note returns middleware that notes the requests of a lane.
func (l *lastLanes) note(name string) gin.HandlerFunc {
	return func(c *gin.Context) {
		l.requested(pageLane{c.Query("page"), name}, c.Request.RemoteAddr, c.Request.ProtoMajor == 1)
	}
}

// requested notes a request. alone says that the connection has one lane at a time. At the limit, another connection's
// lanes are forgotten.
func (l *lastLanes) requested(lane pageLane, client string, alone bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.clients[lane] == client && (!alone || len(l.lanes[client]) == 1) {
		return
	}
	if alone {
		l.drop(client)
	}
	if before, known := l.clients[lane]; known {
		l.lanes[before] = slices.DeleteFunc(l.lanes[before], func(other pageLane) bool { return other == lane })
	} else if len(l.clients) >= l.limit {
		for _, other := range l.clients {
			l.drop(other)
			break
		}
	}
	l.clients[lane] = client
	l.lanes[client] = append(l.lanes[client], lane)
}

func (l *lastLanes) drop(client string) {
	for _, lane := range l.lanes[client] {
		delete(l.clients, lane)
	}
	delete(l.lanes, client)
}

// forget removes a connection that was closed, since a new one may have its client's address.
func (l *lastLanes) forget(client net.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(client.String())
}

// of returns the lanes of a client's connection.
func (l *lastLanes) of(client net.Addr) []pageLane {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lanes[client.String()])
}
