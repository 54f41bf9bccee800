package follow

import (
	"errors"
	"slices"
	"testing"
)

func TestFollow(t *testing.T) {
	var log []message
	for id := 1; id <= 100; id++ {
		log = append(log, message{id})
	}
	asked := 0
	ask := func(after int) ([]message, error) {
		if asked++; asked > 1000 {
			t.Fatal("it asks for ever")
		}
		if asked%3 == 0 {
			return nil, errors.New("the answer was lost")
		}
		return log[after:min(after+asked%7, len(log))], nil // none, now and then
	}
	var got []message
	follow(ask, func(m message) { got = append(got, m) }, 100)
	if !slices.Equal(got, log) {
		t.Errorf("%d messages came, want 1 to 100, each once and in order", len(got))
	}
}
