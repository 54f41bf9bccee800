package python_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"fourwires/docs/python"
	"fourwires/feed"
	"fourwires/polling"
)

// TestPythonTags lets the clients poll a server that changes its tags as proxies do that compress: it leaves them out,
// adds to them, or makes them weak, in turn.
func TestPythonTags(t *testing.T) {
	python.Need(t)
	changes := []func(tag string) string{
		func(string) string { return "" },
		func(tag string) string { return strings.TrimSuffix(tag, `"`) + `-gzip"` },
		func(tag string) string { return "W/" + tag },
	}
	var clients sync.WaitGroup
	defer clients.Wait()
	for _, script := range []string{"urllib_client.py", "aiohttp_client.py", "tornado_client.py"} {
		clients.Go(func() {
			f := feed.New(feed.Keep)
			f.Publish([]byte("0"))
			polls := 0 // a client makes one after another
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				answer := httptest.NewRecorder()
				(&polling.Handler{Feed: f}).ServeHTTP(answer, r)
				header := answer.Header()
				if tag := header.Get("ETag"); tag != "" {
					header.Set("ETag", changes[polls%len(changes)](tag))
				}
				if polls++; header.Get("ETag") == "" {
					header.Del("ETag")
				}
				for name, values := range header {
					w.Header()[name] = values
				}
				w.WriteHeader(answer.Code)
				w.Write(answer.Body.Bytes())
				f.Publish([]byte("1")) // for the next
			}))
			defer server.Close()
			p, err := start(t.Context(), script, "polling", server.URL)
			if err != nil {
				t.Error(err)
				return
			}
			if err := expect(p, 2, 4); err != nil {
				t.Errorf("%s: %v", script, err)
			}
			p.end(os.Kill)
		})
	}
}
