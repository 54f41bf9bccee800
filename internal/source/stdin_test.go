package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"fourwires/feed"
)

func TestStdin(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	tests := []struct{ name, text, want, log string }{
		{"text and JSON", "64 bytes from localhost: time=0.03 ms\n\n{\"temperature\": 21.5}\r\n\r\nlast",
			`"64 bytes from localhost: time=0.03 ms"` + "\n" + `{"temperature":21.5}` + "\n" + `"last"` + "\n",
			"level=INFO msg=\"stdin has ended; the lab goes on\" lines=5\n"},
		{"a byte order mark", "\ufeff{\"a\": 1}\r\n\ufeff2\n", `{"a":1}` + "\n" + `"` + "\ufeff" + `2"` + "\n",
			"level=INFO msg=\"stdin has ended; the lab goes on\" lines=2\n"},
		{"only a byte order mark", "\ufeff", "", "level=INFO msg=\"stdin has ended; the lab goes on\" lines=1\n"},
		{"blank lines", "1\n \t \n\r\n2\n  ", "1\n2\n", "level=INFO msg=\"stdin has ended; the lab goes on\" lines=5\n"},
		{"bad UTF-8", "a\xff\xffb\n\xf0\x9f\x98x\n", `"a��b"` + "\n" + `"�x"` + "\n",
			"level=INFO msg=\"stdin has ended; the lab goes on\" lines=2\n"},
		{"nothing", "", "", "level=INFO msg=\"stdin has ended; the lab goes on\" lines=0\n"},
		{"the longest text", x(feed.MaxData-2) + "\n", `"` + x(feed.MaxData-2) + `"` + "\n",
			"level=INFO msg=\"stdin has ended; the lab goes on\" lines=1\n"},
		{"too deep", "1\n" + strings.Repeat("[", feed.MaxDepth+1) + strings.Repeat("]", feed.MaxDepth+1) + "\n3\n", "1\n3\n",
			"level=WARN msg=\"stdin: a line is skipped\" line=2 err=\"" + feed.ErrTooDeep.Error() + "\"\n" +
				"level=INFO msg=\"stdin has ended; the lab goes on\" lines=3\n"},
		{"too long", "1\n" + x(feed.MaxData-1) + "\n3\n" + x(3*feed.MaxData) + "\n5\n" +
			strings.Repeat("\x01", feed.MaxData/3) + "\n7\n", "1\n3\n5\n7\n",
			`level=WARN msg="stdin: a line is skipped" line=2 err="feed: data has more than 65536 bytes"
level=WARN msg="stdin: a line is skipped" line=4 err="feed: data has more than 65536 bytes"
level=WARN msg="stdin: a line is skipped" line=6 err="feed: data has more than 65536 bytes"
level=INFO msg="stdin has ended; the lab goes on" lines=7
`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				input := NewStdin(strings.NewReader(test.text), journal(&log))
				p, f := start(t, of(input), input)
				if got := published(t, f); got != test.want {
					t.Errorf("got\n%.200s\nwant\n%.200s", got, test.want)
				}
				if got := log.String(); got != test.log {
					t.Errorf("the log is\n%s\nwant\n%s", got, test.log)
				}

				change(t, p, Settings{Source: Market, Rate: 1, Phase: Even})
				before := f.Head().ID
				time.Sleep(1500 * time.Millisecond)
				if n := f.Head().ID - before; n != 1 {
					t.Errorf("%d messages after the end, want the market's 1", n)
				}

				log.Reset()
				change(t, p, of(input))
				synctest.Wait()
				if got := log.String(); got == "" || !strings.HasSuffix(test.log, got) || f.Head().ID != before+1 {
					t.Errorf("the second time, %d messages and in the log\n%s", f.Head().ID-before-1, got)
				}
			})
		})
	}
}

func TestStdinFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		broken := iotest.ErrReader(errors.New("the cable is out"))
		input := NewStdin(io.MultiReader(strings.NewReader("1\nhalf"), broken), journal(&log))
		_, f := start(t, of(input), input)
		if got, want := published(t, f), "1\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		const want = "level=ERROR msg=\"stdin has failed; the lab goes on\" err=\"the cable is out\"\n"
		if got := log.String(); got != want {
			t.Errorf("the log is\n%s\nwant\n%s", got, want)
		}
	})
}

// However often the source changes while a read is pending, every line is published once and in order.
func TestStdinThroughChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read, write := io.Pipe()
		input := NewStdin(read, quiet)
		p, f := start(t, of(input), input)
		var want strings.Builder
		for n := range 1000 {
			fmt.Fprintln(&want, n)
		}
		go func() {
			for n := range 1000 {
				time.Sleep(time.Millisecond)
				fmt.Fprintln(write, n)
			}
			write.Close()
		}()
		for range 100 {
			time.Sleep(4 * time.Millisecond)
			change(t, p, Settings{Source: None, Rate: 1, Phase: Even})
			time.Sleep(7 * time.Millisecond)
			change(t, p, of(input))
		}
		time.Sleep(2 * time.Second)
		if got := published(t, f); got != want.String() {
			t.Errorf("got\n%s", got)
		}
	})
}

// While the pump has another source stdin is not read: the program that writes blocks.
func TestStdinWaitsForItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read, write := io.Pipe()
		input := NewStdin(read, quiet)
		p, f := start(t, Settings{Source: None, Rate: 1, Phase: Even}, input)
		written := 0
		go func() {
			for ; written < 3; written++ {
				fmt.Fprintln(write, written)
			}
			write.Close()
		}()
		time.Sleep(time.Hour)
		synctest.Wait()
		if written != 0 || f.Head().ID != 0 {
			t.Errorf("%d lines read, %d published while the source is none", written, f.Head().ID)
		}
		change(t, p, of(input))
		synctest.Wait()
		if got, want := published(t, f), "0\n1\n2\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
