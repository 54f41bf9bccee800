package source

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
)

// message returns a recorded message, which was published ms milliseconds after the recording began.
func message(ms int64, data string) string {
	return fmt.Sprintf(`{"id":7,"at":%d,"data":%s}`, 1767225600000000+ms*1000, data)
}

// recording returns the replay of a file with these lines.
func recording(t *testing.T, log *slog.Logger, lines ...string) Input {
	t.Helper()
	return recordingAt(t, 1, log, lines...)
}

func recordingAt(t *testing.T, speed float64, log *slog.Logger, lines ...string) Input {
	t.Helper()
	path := filepath.Join(t.TempDir(), "recording")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	input, err := NewReplay(path, speed, log)
	if err != nil {
		t.Fatal(err)
	}
	return input
}

func TestReplay(t *testing.T) {
	lines := []string{
		"\ufeff" + `{"epoch":"k3v9qa","head":6}`,
		message(0, `"a"`),
		message(100, `{"b": 1}`),
		message(100, `"c"`) + "\r",
		"",
		"\r",
		" \t ",
		`{"heartbeat":7}`,
		message(40, `"the clock went back"`),
		`{"gap":{"from":8,"to":9}}`,
		message(90, `"e"`),
		` {"data":"f","at":1767225601090000,"id":1,"more":true}`,
	}
	const want = `"a"
{"b":1}
"c"
"the clock went back"
"e"
"f"
`
	for speed, at := range map[float64][]time.Duration{
		1:    milliseconds(0, 100, 100, 100, 150, 1150),
		2:    milliseconds(0, 50, 50, 50, 75, 575),
		0.1:  milliseconds(0, 1000, 1000, 1000, 1500, 11_500),
		1000: {0, 100_000, 100_000, 100_000, 150_000, 1_150_000},
	} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			var log bytes.Buffer
			input := recordingAt(t, speed, journal(&log), lines...)
			_, f := start(t, of(input), input)
			time.Sleep(time.Hour)
			synctest.Wait()
			if got := published(t, f); got != want {
				t.Errorf("speed %v: got\n%s\nwant\n%s", speed, got, want)
			}
			for i := range at {
				at[i] = at[i].Truncate(time.Microsecond)
			}
			if got := instants(t, f, begin); !slices.Equal(got, at) {
				t.Errorf("speed %v: at %v, want %v", speed, got, at)
			}
			got, want := log.String(), `level=INFO msg="replay has ended; the lab goes on" file=`
			if !strings.HasPrefix(got, want) || !strings.HasSuffix(got, " messages=6 skipped=0\n") {
				t.Errorf("the log is\n%s", got)
			}
		})
	}
}

// A line that is no message does not end a replay, not even the last, which Ctrl-C may have cut. The log names the
// first.
func TestReplaySkipsFaults(t *testing.T) {
	good := message(0, "1")
	whole := good + "\n\n" + "%s\n" + good + "\n" + "{}\n" + good
	for fault, why := range map[string]string{
		"{":                         "feed: an entry that is no JSON: unexpected end of JSON input",
		good[:len(good)-1]:          "feed: an entry that is no JSON: unexpected end of JSON input",
		good[:8] + good:             "feed: an entry that is no JSON: invalid character '{' looking for beginning of object key string",
		"data: " + good:             "feed: an entry that is no JSON: invalid character 'd' looking for beginning of value",
		good + good:                 "feed: an entry that is no JSON: invalid character '{' after top-level value",
		"\ufeff" + good:             "feed: an entry that is no JSON: invalid character 'ï' looking for beginning of value",
		"{}":                        "feed: an entry that is neither a message nor a gap",
		`{"id":1,"data":1}`:         "a message without its time",
		`{"id":1,"at":-5,"data":1}`: "a message without its time",
		message(0, "\"\xff\""):      "feed: data is not valid JSON: bad UTF-8",
		message(0, `"`+strings.Repeat("x", feed.MaxData)+`"`):                                 "feed: data has more than 65536 bytes",
		message(0, strings.Repeat("[", feed.MaxDepth+1)+strings.Repeat("]", feed.MaxDepth+1)): feed.ErrTooDeep.Error(),
		strings.Repeat("x", 1<<20): "feed: data has more than 65536 bytes",
	} {
		for text, want := range map[string]struct {
			published, skipped string
			line               int
		}{
			strings.Replace(whole, "%s", fault, 1): {"1\n1\n1\n", "messages=3 skipped=2\n", 3},
			good + "\n" + fault:                    {"1\n", "messages=1 skipped=1\n", 2},
		} {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				input := recording(t, journal(&log), text)
				_, f := start(t, of(input), input)
				time.Sleep(time.Hour)
				synctest.Wait()
				if got := published(t, f); got != want.published {
					t.Errorf("%.40s: got %q, want %q", fault, got, want.published)
				}
				warning := fmt.Sprintf("level=WARN msg=\"replay: a line is skipped, and so will be others like it\" line=%d err=%q\n",
					want.line, why)
				got := log.String()
				if !strings.HasPrefix(got, warning) || strings.Count(got, "\n") != 2 || !strings.HasSuffix(got, want.skipped) {
					t.Errorf("%.40s: the log is\n%s\nwant\n%s", fault, got, warning)
				}
			})
		}
	}
}

func TestNewReplayRefuses(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	gone := filepath.Join(dir, "gone")
	_, notThere := os.Open(gone)
	tests := []struct {
		path  string
		speed float64
		want  string // "": accepted
	}{
		{file, 1, ""},
		{file, MaxSpeed, ""},
		{file, math.SmallestNonzeroFloat64, ""},
		{file, 0, "speed 0: must be a number above 0, at most 1000"},
		{file, -1, "speed -1: must be a number above 0, at most 1000"},
		{file, 1000.5, "speed 1000.5: must be a number above 0, at most 1000"},
		{file, math.Inf(1), "speed +Inf: must be a number above 0, at most 1000"},
		{file, math.NaN(), "speed NaN: must be a number above 0, at most 1000"},
		{dir, 1, fmt.Sprintf("file %q: must be a regular file", dir)},
		{gone, 1, "file: " + notThere.Error()},
	}
	for _, test := range tests {
		got := ""
		if _, err := NewReplay(test.path, test.speed, quiet); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s at speed %v: got %q, want %q", test.path, test.speed, got, test.want)
		}
	}
}

func TestReplayOfAFileThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		path := filepath.Join(t.TempDir(), "recording")
		os.WriteFile(path, nil, 0o666)
		input, err := NewReplay(path, 1, journal(&log))
		if err != nil {
			t.Fatal(err)
		}
		os.Remove(path)
		_, notThere := os.Open(path)
		start(t, of(input), input)
		want := fmt.Sprintf("level=ERROR msg=\"replay has failed; the lab goes on\" err=%q\n", notThere.Error())
		if got := log.String(); got != want {
			t.Errorf("the log is\n%s\nwant\n%s", got, want)
		}
	})
}

func TestReplayStartsOverAfterAnotherSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		input := recording(t, quiet, message(0, "1"), message(100, "2"), message(200, "3"))
		p, f := start(t, of(input), input)
		for range 2 { // in its middle, and after its end
			time.Sleep(150 * time.Millisecond)
			change(t, p, Settings{Source: None, Rate: 1, Phase: Even})
			time.Sleep(50 * time.Millisecond)
			change(t, p, of(input))
			time.Sleep(300 * time.Millisecond)
		}
		want := milliseconds(0, 100, 200, 300, 400, 700, 800, 900)
		if got := instants(t, f, begin); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// The gap between two messages may be longer than the longest time.Duration.
func TestReplayOfAnEndlessGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		input := recordingAt(t, math.SmallestNonzeroFloat64, quiet,
			`{"id":1,"at":1,"data":1}`, `{"id":2,"at":9223372036854775807,"data":2}`)
		_, f := start(t, of(input), input)
		time.Sleep(1000 * time.Hour)
		if got, want := published(t, f), "1\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// A slowReader takes a time to reach its end, as a busy machine does.
type slowReader time.Duration

func (r slowReader) Read([]byte) (int, error) {
	time.Sleep(time.Duration(r))
	return 0, io.EOF
}

// Messages that fall due while the replay is delayed are published at once, and the schedule does not change; only a
// replay that is more than a second behind starts a new one.
func TestReplayIsOpenLoop(t *testing.T) {
	for delay, want := range map[time.Duration][]time.Duration{
		250 * time.Millisecond:  milliseconds(0, 250, 250, 300),
		1150 * time.Millisecond: milliseconds(0, 1150, 1250, 1350),
	} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			line := func(ms int64) io.Reader { return strings.NewReader(message(ms, "1") + "\n") }
			in := io.MultiReader(line(0), slowReader(delay), line(100), line(200), line(300))
			f := feed.New(keep)
			n, _, err := replay{speed: 1}.play(t.Context(), in, f)
			if n != 4 || err != nil {
				t.Errorf("%d messages, %v, want 4", n, err)
			}
			if got := instants(t, f, begin); !slices.Equal(got, want) {
				t.Errorf("delayed by %v: got %v, want %v", delay, got, want)
			}
		})
	}
}
