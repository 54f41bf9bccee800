package sse_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"fourwires/feed"
	"fourwires/sse"
)

// A server with a feed, and a client that reads it from the beginning.
func Example() {
	f := feed.New(feed.Keep)
	server := httptest.NewServer(&sse.Handler{Feed: f})
	defer server.Close()
	f.Publish([]byte(`{"text": "one"}`))
	f.Publish([]byte(`{"text": "two"}`))

	client := sse.Client{URL: server.URL + "?after=0"}
	for m, err := range client.Messages(context.Background()) {
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Printf("%d %s\n", m.ID, m.Data)
		if m.ID == 1 {
			f.Publish([]byte(`{"text": "three"}`)) // while the client is listening
		}
		if m.ID == 3 {
			break
		}
	}
	// Output:
	// 1 {"text":"one"}
	// 2 {"text":"two"}
	// 3 {"text":"three"}
}
