package python_test

import (
	"context"
	"strings"

	"fourwires/internal/lab"
	"fourwires/internal/source"
)

// A servedLab is a lab that publishes only what a test publishes.
type servedLab struct {
	lab  *lab.Lab
	addr string
	end  func() error
}

func serveLab(keep int) (*servedLab, error) {
	settings := source.Default()
	settings.Source = source.None
	l, err := lab.New(lab.Settings{Keep: keep, Source: settings})
	if err != nil {
		return nil, err
	}
	on, err := lab.Loopback(false)
	if err != nil {
		return nil, err
	}
	served := make(chan error, 1)
	ctx, stop := context.WithCancel(context.Background())
	go func() { served <- l.Serve(ctx, on) }()
	return &servedLab{l, on.Lanes.Addr().String(), func() error {
		stop()
		return <-served
	}}, nil
}

// pythonData is what feed.py publishes.
var pythonData = []byte(`"` + strings.Repeat("x", 126) + `"`)

func (l *servedLab) publish(n int) {
	for range n {
		if _, err := l.lab.Feed.Publish(pythonData); err != nil {
			panic(err) // the data is good, and the feed open
		}
	}
}
