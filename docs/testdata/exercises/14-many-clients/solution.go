//go:build solution

package hub

import "sync"

type hub struct {
	mu      sync.Mutex
	readers map[chan string]bool
}

func (h *hub) publish(message string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for reader := range h.readers {
		select {
		case reader <- message:
		default:
			delete(h.readers, reader)
			close(reader)
		}
	}
}
