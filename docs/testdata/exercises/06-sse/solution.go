//go:build solution

package events

import "strings"

type event struct{ id, kind, data string }

func parse(stream string) (all []event) {
	next := event{kind: "message"}
	var data []string
	for line := range strings.Lines(stream) {
		line, ended := strings.CutSuffix(line, "\n")
		if !ended {
			break
		}
		if line == "" { // the end of an event
			if len(data) > 0 {
				next.data = strings.Join(data, "\n")
				all = append(all, next)
			}
			next, data = event{kind: "message", id: next.id}, nil // the id stays
			continue
		}
		name, value, _ := strings.Cut(line, ":") // a comment has no name
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "id":
			next.id = value
		case "event":
			next.kind = value
		case "data":
			data = append(data, value)
		}
	}
	return all // what no empty line ends is never dispatched
}
