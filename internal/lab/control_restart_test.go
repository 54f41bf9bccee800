package lab_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"fourwires/internal/lab"
	"fourwires/internal/lab/labtest"
)

// A lab that is asked to restart ends with ErrRestart. Its successor has another epoch, and the settings that were in
// force.
func TestRestartAPI(t *testing.T) {
	listeners := func() lab.Listeners {
		on, err := lab.Loopback(false)
		if err != nil {
			t.Fatal(err)
		}
		return on
	}
	l, err := lab.New(labtest.Quiet(7))
	if err != nil {
		t.Fatal(err)
	}
	on := listeners()
	served := make(chan error, 1)
	go func() { served <- l.Serve(t.Context(), on) }()
	control := "http://" + on.Control.Addr().String() + "/control/"
	call(t, "PUT", control+"network", `{"rtt":"20ms"}`)
	call(t, "PATCH", control+"feed", `{"rate":7}`)
	call(t, "PUT", control+"run?page=a", "") // which the successor goes on with
	call(t, "PATCH", control+"feed?page=a", `{"rate":8}`)
	if status, body := call(t, "POST", control+"restart?page=a", ""); status != 202 || body != `{"epoch":"`+l.Feed.Head().Epoch+`"}` {
		t.Errorf("%d %s", status, body)
	}
	if err := <-served; !errors.Is(err, lab.ErrRestart) {
		t.Fatalf("Serve: %v", err)
	}
	next, err := l.Successor()
	if err != nil {
		t.Fatal(err)
	}
	if next.Feed.Head().Epoch == l.Feed.Head().Epoch || next.Network.Settings().RTT != 20*time.Millisecond {
		t.Errorf("the next has epoch %s and %+v", next.Feed.Head().Epoch, next.Network.Settings())
	}
	on = listeners()
	labtest.Serve(t, next, on)
	if status, body := call(t, "DELETE", "http://"+on.Control.Addr().String()+"/control/run?page=a", ""); status != 204 {
		t.Errorf("the next ends the run with %d %s", status, body)
	}
	var state struct{ Rate float64 }
	if _, body := call(t, "GET", "http://"+on.Control.Addr().String()+"/control/feed", ""); json.Unmarshal([]byte(body), &state) != nil || state.Rate != 7 {
		t.Errorf("the next has a feed of %+v", state)
	}
	if _, body := call(t, "GET", "http://"+on.Control.Addr().String()+"/control/network", ""); body != `{"rtt":"20ms","jitter":"0s","kbps":0,"set":true}` {
		t.Errorf("the next has a network of %s", body)
	}
}
