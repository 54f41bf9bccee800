//go:build !solution

package hub

import "sync"

// A hub brings each message to every reader, in order. A reader is a channel that
// holds some messages, and is closed when the hub lets the reader go.
type hub struct {
	mu      sync.Mutex
	readers map[chan string]bool
}

// publish brings a message to all readers. Now one that takes none keeps all others
// waiting. Let it wait for nobody: a reader that has no room is let go. (It knows
// what it has, and may come back.)
func (h *hub) publish(message string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for reader := range h.readers {
		reader <- message
	}
}
