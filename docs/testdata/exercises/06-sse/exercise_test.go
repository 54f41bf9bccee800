package events

import (
	"os"
	"slices"
	"testing"
)

func TestParse(t *testing.T) {
	for _, test := range []struct {
		name, stream string
		want         []event
	}{
		{"the shortest", "data:1\n\n", []event{{"", "message", "1"}}},
		{"one space goes, a second stays", "data:  1\n\n", []event{{"", "message", " 1"}}},
		{"id after data", "data: 1\nid: 7\n\n", []event{{"7", "message", "1"}}},
		{"id before data", "id: 7\ndata: 1\n\n", []event{{"7", "message", "1"}}},
		{"the id stays", "id: 7\ndata: 1\n\ndata: 2\n\n", []event{{"7", "message", "1"}, {"7", "message", "2"}}},
		{"an id alone is no event, but is kept", "id: 6\nretry: 3000\n\ndata: 1\n\n", []event{{"6", "message", "1"}}},
		{"two lines of data", "data: 1\ndata: 2\n\n", []event{{"", "message", "1\n2"}}},
		{"a type, for one event", "event: gap\ndata: 1\n\ndata: 2\n\n", []event{{"", "gap", "1"}, {"", "message", "2"}}},
		{"a comment", ":\n\n: data: 1\ndata: 2\n\n", []event{{"", "message", "2"}}},
		{"unknown names", "date: 1\ndata: 2\n\n", []event{{"", "message", "2"}}},
		{"never ended", "data: 1\n\nid: 8\ndata: 2\n", []event{{"", "message", "1"}}},
		{"empty data is data", "data\n\n", []event{{"", "message", ""}}},
	} {
		if got := parse(test.stream); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q is %q, want %q", test.name, test.stream, got, test.want)
		}
	}
}

func TestStream(t *testing.T) {
	stream, err := os.ReadFile("stream.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := []event{{"7", "message", "first"}, {"7", "message", "second"}, {"9", "gap", "third\nline"}}
	if got := parse(string(stream)); !slices.Equal(got, want) {
		t.Errorf("stream.txt is %q, want %q", got, want)
	}
}
