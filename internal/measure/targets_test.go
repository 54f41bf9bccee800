package measure

import (
	"regexp"
	"strings"
	"testing"
)

func matches(pattern, text string) bool {
	return regexp.MustCompile("^(?:" + pattern + ")$").MatchString(text)
}

func TestParseTargets(t *testing.T) {
	for _, test := range []struct {
		args string
		want string // the targets, or the error
	}{
		{"", ""},
		{"http://h:1", "polling=http://h:1/polling longpoll=http://h:1/longpoll sse=http://h:1/sse websocket=http://h:1/websocket"},
		{"http://h:1/", "polling=http://h:1/polling longpoll=http://h:1/longpoll sse=http://h:1/sse websocket=http://h:1/websocket"},
		{"websocket=http://h/ws?x=1 polling=http://h/p", "polling=http://h/p websocket=http://h/ws?x=1"},
		{"h:1", `url "h:1": must be .*`},
		{"https://h:1 ", "polling=https://h:1/polling longpoll=https://h:1/longpoll sse=https://h:1/sse websocket=https://h:1/websocket"},
		{"ftp://h:1", `url "ftp://h:1": must be .*`},
		{"http://", `url "http://": must be .*`},
		{"http://h:1/polling", `url "http://h:1/polling": must be one .*`},
		{"http://h:1?a=b", `url "http://h:1.a=b": must be one .*`},
		{"http://h:1 http://h:2", `url "http://h:1": must be one .*`},
		{"sse=http://h/a http://h:2", `url "http://h:2": must be one .*`},
		{"carrier=http://h/a", `url "carrier=http://h/a": a transport is one of polling, longpoll, sse, websocket`},
		{"sse=http://h/a sse=http://h/b", `url "sse=http://h/b": sse has one already`},
		{"sse=/sse", `url "sse=/sse": must be .*`},
	} {
		targets, err := ParseTargets(strings.Fields(test.args))
		if err != nil {
			if !matches(test.want, err.Error()) {
				t.Errorf("%s: %v, want %s", test.args, err, test.want)
			}
			continue
		}
		var got []string
		for _, target := range targets {
			got = append(got, target.Transport+"="+target.URL)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: %q, want %s", test.args, got, test.want)
		}
	}
}
