package hub

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestPublish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const room, messages = 4, 20
		h := &hub{readers: map[chan string]bool{}}
		slow := make(chan string, room)
		h.readers[slow] = true
		var got [3][]string
		for i := range got {
			reader := make(chan string, room)
			h.readers[reader] = true
			go func() {
				for m := range reader {
					got[i] = append(got[i], m)
				}
			}()
		}
		var all []string
		done := make(chan bool)
		go func() {
			for i := range messages {
				all = append(all, fmt.Sprint(i))
				h.publish(fmt.Sprint(i))
				synctest.Wait() // the quick ones have it
			}
			close(done)
		}()
		select {
		case <-done:
		case <-time.After(time.Minute): // virtual
			t.Error("a reader that takes nothing keeps the hub waiting")
			for range messages { // let it go on
				<-slow
			}
			<-done
			for reader := range h.readers {
				close(reader)
			}
			return
		}
		for i := range got {
			if !slices.Equal(got[i], all) {
				t.Errorf("reader %d got %q, want %q", i, got[i], all)
			}
		}
		var kept []string
		for reader := range h.readers {
			if reader == slow {
				t.Error("the slow reader was not let go")
			}
		}
		if !h.readers[slow] {
			for m := range slow { // until it is closed
				kept = append(kept, m)
			}
		}
		if !slices.Equal(kept, all[:room]) {
			t.Errorf("the slow reader got %q before it was let go, want %q", kept, all[:room])
		}
		for reader := range h.readers {
			close(reader)
		}
	})
}
