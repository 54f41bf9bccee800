package protocol

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// The headers of a request are rewritten, however it is divided into writes; its body and what follows an upgrade are
// not, even where a body looks like headers.
func TestHTTP1(t *testing.T) {
	const (
		get      = "GET /polling?after=e-1 HTTP/1.1\r\nHost: h:1\r\nUser-Agent: Go-http-client/1.1\r\n\r\n"
		resumes  = "GET /sse HTTP/1.1\r\nHost: h:1\r\nAccept: text/event-stream\r\nLast-Event-ID: e-7\r\n\r\n"
		body     = "GET / HTTP/1.1\r\n\r\n"
		post     = "POST /publish HTTP/1.1\r\nHost: h:1\r\nUser-Agent: Go\r\nContent-Length: 18\r\n\r\n" + body
		empty    = "POST /echo HTTP/1.1\r\nHost: h:1\r\nContent-Length: 0\r\n\r\n"
		chunked  = "POST /publish HTTP/1.1\r\nHost: h:1\r\nTransfer-Encoding: chunked\r\n\r\n"
		chunks   = "12;x=y\r\n" + body + "\r\n1\r\n1\r\n0\r\nTrailer: 1\r\n\r\n"
		upgrade  = "GET /websocket HTTP/1.1\r\nHost: h:1\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k3y==\r\n\r\n"
		frames   = "frames\r\n\r\nGET /"
		put      = "PUT / HTTP/1.1\r\nHost: h:1\r\nContent-Length: 0\r\n\r\n"
		getsBody = "GET / HTTP/1.1\r\nHost: h:1\r\nContent-Length: 1\r\n\r\nx"
	)
	chrome, err := recorded()
	if err != nil {
		t.Fatal(err)
	}
	// as is a request with Chromium's header lines, and more.
	as := func(kind, line string, more ...string) string {
		named := strings.NewReplacer("{origin}", "http://h:1", "{host}", "h:1", "{key}", "k3y==", "{length}", "18")
		lines := append(slices.Clone(chrome.lines[kind]), more...)
		return line + "\r\n" + named.Replace(strings.Join(lines, "\r\n")) + "\r\n"
	}
	cookied := "Cookie: " + cookie(5) + "\r\n\r\n"
	with := func(request string) string { return strings.Replace(request, "\r\n\r\n", "\r\n"+cookied, 1) }
	for _, test := range []struct{ name, set, sent, want, fails string }{
		{"a GET", Chrome, get, as("fetch", "GET /polling?after=e-1 HTTP/1.1") + cookied, ""},
		{"a stream that resumes", Chrome, resumes,
			as("eventsource", "GET /sse HTTP/1.1", "Last-Event-ID: e-7") + cookied, ""},
		{"a POST", Chrome, post, as("post", "POST /publish HTTP/1.1") + cookied + body, ""},
		{"a POST and a GET, twice", Chrome, post + get + post + get, strings.Repeat(
			as("post", "POST /publish HTTP/1.1")+cookied+body+as("fetch", "GET /polling?after=e-1 HTTP/1.1")+cookied, 2), ""},
		{"an upgrade", Chrome, get + upgrade + frames, as("fetch", "GET /polling?after=e-1 HTTP/1.1") + cookied +
			as("websocket", "GET /websocket HTTP/1.1") + cookied + frames, ""},
		{"a cookie", Go, get + post + empty + get + upgrade + frames,
			with(get) + with(post) + with(empty) + with(get) + with(upgrade) + frames, ""},
		{"a cookie, and chunks", Go, chunked + chunks + get, with(chunked) + chunks + with(get), ""},
		{"a PUT", Chrome, put, "", "no PUT of Chromium's is recorded"},
		{"chunks", Chrome, chunked + chunks, "", "has a Content-Length"},
		{"a GET with a body", Chrome, getsBody, "", "a GET no body"},
		{"no length", Go, strings.Replace(put, "0", "-1", 1), "", `a Content-Length of "-1"`},
		{"no size", Go, chunked + "x\r\n", "", `a chunk of size "x"`},
	} {
		for _, size := range []int{1, 7, len(test.sent)} { // of a write
			near := &sink{}
			dial := func(context.Context, string, string) (net.Conn, error) { return near, nil }
			conn, err := Headers{Set: test.set, Cookie: 5}.rewrite("http", false, dial)(t.Context(), "", "")
			for rest := []byte(test.sent); len(rest) > 0 && err == nil; {
				n := min(size, len(rest))
				if _, err = conn.Write(rest[:n]); err == nil {
					rest = rest[n:]
				}
			}
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Errorf("%s: %v, want %s", test.name, err, test.fails)
				}
				continue
			}
			if got := near.String(); err != nil || got != test.want {
				t.Errorf("%s, in writes of %d: %v\n%q\nwant\n%q", test.name, size, err, got, test.want)
			}
		}
	}
}

// A sink is a connection that keeps what is written to it.
type sink struct {
	net.Conn
	bytes.Buffer
}

func (s *sink) Write(b []byte) (int, error) { return s.Buffer.Write(b) }
func (s *sink) Read([]byte) (int, error)    { return 0, io.EOF }

// On HTTP/2 too the headers are rewritten, and end the stream where they did before. All other frames stay as they are.
func TestHTTP2(t *testing.T) {
	chrome, err := recorded()
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("a~", 20_000) // needs a CONTINUATION frame
	for _, test := range []struct{ set, cookie string }{
		{Chrome, ""}, {Chrome, cookie(9)}, {Go, cookie(9)}, {Go, cookie(32_000)},
	} {
		for _, size := range []int{13, 1 << 20} { // of a write
			near := &sink{}
			conn, err := Headers{Set: test.set, Cookie: len(test.cookie)}.rewrite("https", true,
				func(context.Context, string, string) (net.Conn, error) { return near, nil })(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			var sent bytes.Buffer
			sent.WriteString(http2.ClientPreface)
			framer, block := http2.NewFramer(&sent, nil), bytes.Buffer{}
			encoder := hpack.NewEncoder(&block)
			request := func(stream uint32, end bool, fields ...string) {
				block.Reset()
				for i := 0; i < len(fields); i += 2 {
					encoder.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
				}
				first := block.Next(frameSize)
				framer.WriteHeaders(http2.HeadersFrameParam{
					StreamID: stream, BlockFragment: first, EndStream: end, EndHeaders: block.Len() == 0,
				})
				for block.Len() > 0 {
					next := block.Next(frameSize)
					framer.WriteContinuation(stream, block.Len() == 0, next)
				}
			}
			framer.WriteSettings()
			request(1, false, ":authority", "h:1", ":method", "POST", ":path", "/publish", ":scheme", "https",
				"content-length", "5", "accept-encoding", "gzip")
			framer.WriteData(1, false, []byte("hel"))
			request(3, true, ":authority", "h:1", ":method", "GET", ":path", "/sse?"+long, ":scheme", "https",
				"accept", "text/event-stream")
			framer.WritePing(false, [8]byte{1})
			framer.WriteData(1, false, []byte("lo"))
			request(1, true, "checksum", "1") // trailers
			for rest := sent.Bytes(); len(rest) > 0; {
				n := min(size, len(rest))
				if _, err := conn.Write(rest[:n]); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}

			type got struct {
				kind   http2.FrameType
				stream uint32
				ended  bool
				text   string
			}
			want := func(kind, method, path string, more ...string) string {
				text := ":authority: h:1\n:method: " + method + "\n:path: " + path + "\n:scheme: https\n" + strings.Join(more, "")
				fields := ""
				if test.set == Chrome {
					text = ":method: " + method + "\n:authority: h:1\n:scheme: https\n:path: " + path + "\n"
					named := strings.NewReplacer("{origin}", "https://h:1", "{length}", "5")
					for _, f := range chrome.fields[kind] {
						fields += f.Name + ": " + named.Replace(f.Value) + "\n"
					}
				}
				before, priority, found := strings.Cut(fields, "priority: ")
				if test.cookie != "" {
					before += "cookie: " + test.cookie + "\n"
				}
				if found {
					before += "priority: " + priority
				}
				return text + before
			}
			all := []got{
				{http2.FrameSettings, 0, false, ""},
				{http2.FrameHeaders, 1, false, want("post", "POST", "/publish", "content-length: 5\naccept-encoding: gzip\n")},
				{http2.FrameData, 1, false, "hel"},
				{http2.FrameHeaders, 3, true, want("eventsource", "GET", "/sse?"+long, "accept: text/event-stream\n")},
				{http2.FramePing, 0, false, ""},
				{http2.FrameData, 1, false, "lo"},
				{http2.FrameHeaders, 1, true, "checksum: 1\n"},
			}
			if !bytes.HasPrefix(near.Bytes(), []byte(http2.ClientPreface)) {
				t.Fatalf("%v: no preface", test)
			}
			near.Next(len(http2.ClientPreface))
			reader := http2.NewFramer(nil, &near.Buffer)
			reader.ReadMetaHeaders = hpack.NewDecoder(tableSize, nil)
			reader.MaxHeaderListSize = 1 << 20
			for _, w := range all {
				frame, err := reader.ReadFrame()
				if err != nil {
					t.Fatalf("%s, cookie of %d: %v", test.set, len(test.cookie), err)
				}
				head := frame.Header()
				g := got{kind: head.Type, stream: head.StreamID, ended: head.Flags.Has(http2.FlagDataEndStream)}
				switch f := frame.(type) {
				case *http2.DataFrame:
					g.text = string(f.Data())
				case *http2.MetaHeadersFrame:
					for _, field := range f.Fields {
						g.text += field.Name + ": " + field.Value + "\n"
					}
				}
				if g != w {
					t.Errorf("%s, cookie of %d: %+v, want %+v", test.set, len(test.cookie), g, w)
				}
			}
		}
	}
}

// A request that cannot be rewritten on HTTP/2 fails the write, and is not sent as it is.
func TestHTTP2Refuses(t *testing.T) {
	for _, test := range []struct {
		flags http2.Flags
		block string
		want  string
	}{
		{http2.FlagHeadersEndHeaders | http2.FlagHeadersPadded, "\x00\x82", "padding"},
		{http2.FlagHeadersEndHeaders | http2.FlagHeadersPriority, "\x00\x00\x00\x00\x00\x82", "priority"},
		{http2.FlagHeadersEndHeaders, "\x20\x82", "the server's HPACK table has not 4096 bytes"},
		{http2.FlagHeadersEndHeaders, "\xff\xff\xff\xff\xff\xff\xff", "decoding error"},
		{http2.FlagHeadersEndHeaders, "\x02\x03PUT", "no PUT of Chromium's is recorded"},
	} {
		near := &sink{}
		dial := func(context.Context, string, string) (net.Conn, error) { return near, nil }
		conn, err := Headers{Set: Chrome}.rewrite("http", true, dial)(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		frame := binary.BigEndian.AppendUint32(nil, uint32(len(test.block))<<8|uint32(http2.FrameHeaders))
		frame = append(append(frame, byte(test.flags), 0, 0, 0, 1), test.block...)
		_, err = conn.Write(append([]byte(http2.ClientPreface), frame...))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%x: %v, want %s", test.block, err, test.want)
		}
		if near.Len() > len(http2.ClientPreface) {
			t.Errorf("%x: sent %x", test.block, near.Bytes())
		}
	}
}

// The POSTs of net/http's client, several at once, are received whole by a server, by both versions of HTTP.
func TestPOST(t *testing.T) {
	const requests = 20
	for _, version := range []bool{false, true} {
		for _, headers := range []Headers{{Set: Go, Cookie: 100}, {Set: Chrome}, {Set: Chrome, Cookie: 5000}} {
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				c, none := r.Cookie("c")
				if (none == nil) != (headers.Cookie > 0) || none == nil && len("c="+c.Value) != headers.Cookie {
					t.Errorf("%+v: cookie %v", headers, c)
				}
				if chrome := r.Header.Get("Sec-Fetch-Mode") == "cors"; chrome != (headers.Set == Chrome) {
					t.Errorf("%+v: headers %v", headers, r.Header)
				}
				if err != nil || r.ContentLength != int64(len(body)) {
					t.Errorf("%+v: %d bytes of %d, %v", headers, len(body), r.ContentLength, err)
				}
				w.Write(body)
			}))
			server.Config.Protocols = new(http.Protocols)
			server.Config.Protocols.SetHTTP1(!version)
			server.Config.Protocols.SetUnencryptedHTTP2(version)
			server.Start()
			transport := &http.Transport{DialContext: headers.rewrite("http", version, (&net.Dialer{}).DialContext),
				MaxConnsPerHost: 2, Protocols: server.Config.Protocols}
			failed := make(chan error, requests)
			for i := range requests {
				go func() {
					text := strings.Repeat("\r\n\r\n", 1000*i)
					resp, err := (&http.Client{Transport: transport}).Post(server.URL, "text/plain", strings.NewReader(text))
					if err == nil {
						var body []byte
						body, err = io.ReadAll(resp.Body)
						resp.Body.Close()
						if err == nil && string(body) != text {
							err = errors.New("the body is another")
						}
					}
					failed <- err
				}()
			}
			for range requests {
				if err := <-failed; err != nil {
					t.Errorf("%+v, HTTP/2 %t: %v", headers, version, err)
				}
			}
			transport.CloseIdleConnections()
			server.Close()
		}
	}
}

// The recording is read whichever line ends it has, and a kind of request that is missing is an error.
func TestRecording(t *testing.T) {
	want, err := recorded()
	if err != nil {
		t.Fatal(err)
	}
	crlf := func(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }
	got, err := readRecording(crlf(chromium1), crlf(chromium2))
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range kinds {
		if strings.Join(got.lines[kind], "|") != strings.Join(want.lines[kind], "|") ||
			len(got.fields[kind]) != len(want.fields[kind]) {
			t.Errorf("%s: with CR LF %q", kind, got.lines[kind])
		}
	}
	for _, kind := range kinds {
		_, err := readRecording(strings.Replace(chromium1, "["+kind+"]", "[tea]", 1), chromium2)
		if err == nil || !strings.Contains(err.Error(), "has no ["+kind+"]") {
			t.Errorf("without %s: %v", kind, err)
		}
	}
	first, _, _ := strings.Cut(chromium2, "\n")
	for _, test := range []struct{ http1, http2, want string }{
		{"", chromium2, "has no [fetch]"},
		{chromium1, "", "has no /fetch"},
		{chromium1, first, "has no /fetch"}, // the page's own
		{chromium1, "hello", "invalid byte"},
		{chromium1, "82", "a block of 1 fields"},
		{chromium1, "ffffffffffff", "decoding error"},
	} {
		if _, err := readRecording(test.http1, test.http2); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.20q: %v, want %s", test.http2, err, test.want)
		}
	}
}
