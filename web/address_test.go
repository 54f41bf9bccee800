package web_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"fourwires/internal/lab"
	"fourwires/internal/needs"
)

// At an IPv6 address, which has no name in a Content-Security-Policy, the page has its lanes, its controls and its
// clock.
func TestIPv6(t *testing.T) {
	inBoth(t, func(t *testing.T, newTab opener) {
		var on lab.Listeners
		for _, into := range []*net.Listener{&on.Lanes, &on.Control} {
			listener, err := net.Listen("tcp", "[::1]:0")
			if err != nil {
				needs.Missing(t, fmt.Sprintf("IPv6: this machine has no ::1: %v", err), "give it that address")
			}
			*into = listener
		}
		l, err := lab.New(quiet(100))
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		var serving sync.WaitGroup
		serving.Go(func() {
			if err := l.Serve(ctx, on); err != nil {
				t.Error(err)
			}
		})
		t.Cleanup(func() {
			stop()
			serving.Wait()
		})
		s := &site{Lab: l}
		s.publish(t, many(5)...)
		lanes := "http://" + on.Lanes.Addr().String()
		tab := newTab(t, lanes, "http://"+on.Control.Addr().String())
		tab.open(lanes + "/#free")
		tab.untilAll("live")
		tab.until(`document.querySelectorAll("#controls :disabled").length === 0`)
		tab.until(`document.querySelector("#clock").textContent.includes("±")`)
		tab.untilIDs(s.ids(5, 5), 1)
	})
}

// Behind another port than its own the page has its lanes and its clock. It asks the control API, which would refuse
// it, for nothing, and says where the controls are.
func TestForwardedPort(t *testing.T) {
	inBoth(t, func(t *testing.T, newTab opener) {
		s := newTab.serve(t, quiet(100), nil, many(5)...)
		door := forward(t, s.lanes.String())
		tab := newTab(t, "http://"+door)
		tab.open("http://" + door + "/#free")
		tab.untilAll("live")
		tab.until(`document.querySelector("#clock").textContent.includes("±")`)
		if got := eval[string](tab, `document.querySelector("#controls [role=status]").textContent`); !strings.Contains(got, "at the lab’s own address, http://"+s.lanes.String()+"/") {
			t.Errorf("the page says %q", got)
		}
		tab.until(`document.querySelector("#network [role=status]").textContent.startsWith("Network unknown: the controls are at")`)
		tab.until(`document.querySelector("#scenes").innerText.includes("the controls cannot be used here")`)
		if got := eval[int](tab, `document.querySelectorAll("#controls :disabled").length`); got != 3 {
			t.Errorf("%d controls are out of use, want 3", got)
		}
		tab.pollOften()
		s.publish(t, many(3)...)
		tab.untilIDs(s.ids(6, 8), 3)

		if tab.firefox == nil { // whose window is of another size
			for _, fault := range eval[[]string](tab, fmt.Sprintf(inspect, true)) {
				t.Error(fault)
			}
		}

		// A text goes up and comes back on all lanes; its bytes are unknown, and why.
		tab.click("#tab-up")
		tab.click("#up button")
		tab.until(`[...document.querySelectorAll(".lane .value")].filter((value) => value.textContent === "Hello").length === 4`)
		tab.until(`document.querySelector("#up [role=status]").textContent.startsWith("No bytes: the controls are at the lab’s own address, ") && !document.querySelector("#up :disabled")`)
	})
}

// forward listens at a free port, until the test ends, for what listens elsewhere.
func forward(t *testing.T, to string) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var copying sync.WaitGroup
	ctx, end := context.WithCancel(context.Background()) // a browser keeps a connection for minutes
	copying.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				t.Error(err)
				return
			}
			context.AfterFunc(ctx, func() { near.Close() })
			for from, into := range map[net.Conn]net.Conn{near: far, far: near} {
				copying.Go(func() {
					io.Copy(into, from)
					into.Close()
					from.Close()
				})
			}
		}
	})
	t.Cleanup(func() {
		end()
		listener.Close()
		copying.Wait()
	})
	return listener.Addr().String()
}
