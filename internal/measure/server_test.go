package measure

import (
	"io"
	"strings"
	"testing"
)

// What the server's process does not understand ends it, with a sentence.
func TestServeCommands(t *testing.T) {
	for _, test := range []struct{ commands, want string }{
		{`{"stop":true}`, ""},
		{`{"network":{"RTT":0,"Jitter":0,"Kbps":0}}` + "\n" + `{"stop":true}`, ""},
		{`{}`, `the command {}: must be one of publish, network, stop`},
		{`{"start":true}`, `the command {"start":true}: .*unknown field "start"`},
		{`{"publish":{"messages":"ten"}}`, `the command {"publish":{"messages":"ten"}}: .*`},
		{`{"network":{"rtt":-1}}`, `the command {"network":{"rtt":-1}}: rtt -1ns: .*`},
	} {
		got := ""
		if err := Serve(strings.NewReader(test.commands), io.Discard); err != nil {
			got = err.Error()
		}
		if !matches(test.want, got) {
			t.Errorf("%q: %s, want %s", test.commands, got, test.want)
		}
	}
}
