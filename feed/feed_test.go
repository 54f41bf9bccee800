package feed_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// publish publishes the numbers from … to, one a message.
func publish(t testing.TB, f *feed.Feed, from, to int) {
	t.Helper()
	for n := from; n <= to; n++ {
		if _, err := f.Publish(fmt.Append(nil, n)); err != nil {
			t.Fatal(err)
		}
	}
}

// ids returns the ids of messages as text, "3 4 5".
func ids(msgs []feed.Message) string {
	var b strings.Builder
	for i, m := range msgs {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprint(&b, m.ID)
	}
	return b.String()
}

func TestPublishEncodesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := feed.New(10)
		m, err := f.Publish([]byte(` { "text" : "a b\u2028" , "n" : [ 1 , 2 ] } ` + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		const want = `{"id":1,"at":946684800000000,"data":{"text":"a b\u2028","n":[1,2]}}`
		if got := string(m.JSON()); got != want {
			t.Errorf("JSON is %s, want %s", got, want)
		}
		std, err := json.Marshal(m)
		if err != nil || string(std) != want {
			t.Errorf("json.Marshal gives %s, %v, want %s", std, err, want)
		}
		got, _, err := f.Since(feed.Cursor{}, nil)
		if err != nil || len(got) != 1 || &got[0].JSON()[0] != &m.JSON()[0] {
			t.Errorf("Since gave %v, %v, want the very bytes that Publish made", got, err)
		}
		decoded, err := feed.Decode(m.JSON())
		same := decoded.ID == m.ID && decoded.At == m.At && string(decoded.Data) == string(m.Data)
		if err != nil || !same || string(decoded.JSON()) != want {
			t.Errorf("Decode gives %+v, %v, want %+v", decoded, err, m)
		}
	})
}

func TestPublishRefuses(t *testing.T) {
	f := feed.New(10)
	for _, test := range []struct {
		data string
		want error
	}{
		{"", feed.ErrInvalid},
		{"{", feed.ErrInvalid},
		{"1 2", feed.ErrInvalid},
		{"'text'", feed.ErrInvalid},
		{"\"\xff\"", feed.ErrInvalid},
		{"\"a\nb\"", feed.ErrInvalid},
		{`"` + strings.Repeat("x", feed.MaxData) + `"`, feed.ErrTooLarge},
		{nested("[", feed.MaxDepth+1, "]"), feed.ErrTooDeep},
		{nested(`{"\"":`, feed.MaxDepth+1, "}"), feed.ErrTooDeep},
		{`["]]\\",` + nested("[", feed.MaxDepth, "]") + `]`, feed.ErrTooDeep},
		{nested("[", 20_000, "]"), feed.ErrTooDeep},
	} {
		if _, err := f.Publish([]byte(test.data)); !errors.Is(err, test.want) {
			t.Errorf("Publish(%.20q): %v, want %v", test.data, err, test.want)
		}
	}
	if head := f.Head().ID; head != 0 {
		t.Errorf("head is %d, want 0: data that is refused takes no id", head)
	}
	if _, err := f.Publish([]byte(`"` + strings.Repeat("x", feed.MaxData-2) + `"`)); err != nil {
		t.Errorf("Publish of the most data: %v", err)
	}
}

// nested returns JSON of that many levels.
func nested(open string, levels int, end string) string {
	return strings.Repeat(open, levels) + "1" + strings.Repeat(end, levels)
}

// A parser that accepts 64 levels can parse every message, within the response to a poll too. Brackets in a string are
// no levels, nor are brackets one after another.
func TestDepth(t *testing.T) {
	f := feed.New(10)
	for _, data := range []string{
		nested("[", feed.MaxDepth, "]"),
		nested(`{"\"":`, feed.MaxDepth, "}"),
		`"` + strings.Repeat(`\"[{`, 1000) + `"`,
		"[" + strings.Repeat("[],{},", 1000) + "0]",
	} {
		m, err := f.Publish([]byte(data))
		if err != nil {
			t.Errorf("Publish(%.20s…): %v", data, err)
			continue
		}
		depth, deepest := 3, 0 // {"messages":[{"data":…}]}
		for decoder := json.NewDecoder(bytes.NewReader(m.Data)); ; {
			token, err := decoder.Token()
			if err != nil {
				break
			}
			switch token {
			case json.Delim('['), json.Delim('{'):
				depth++
				deepest = max(deepest, depth)
			case json.Delim(']'), json.Delim('}'):
				depth--
			}
		}
		if deepest > 64 {
			t.Errorf("%.20s… is %d levels deep in a response", data, deepest)
		}
	}
}

func TestSince(t *testing.T) {
	f := feed.New(5)
	publish(t, f, 1, 8) // keeps 4 to 8
	epoch := f.Head().Epoch
	for _, test := range []struct {
		after string
		want  string
		next  uint64
		err   string
	}{
		{"6", "7 8", 8, ""},
		{epoch + "-6", "7 8", 8, ""},
		{"3", "4 5 6 7 8", 8, ""},
		{"8", "", 8, ""},
		{"2", "", 3, "feed: messages 3 to 3 can no longer be had"},
		{"0", "", 3, "feed: messages 1 to 3 can no longer be had"},
		{"9", "", 9, "feed: the cursor lies ahead of the feed"},
		{"18446744073709551615", "", 1<<64 - 1, "feed: the cursor lies ahead of the feed"},
		{"gone-7", "", 3, "feed: messages 1 to 3 can no longer be had"},
		{"gone-900", "", 3, "feed: messages 1 to 3 can no longer be had"}, // the epoch is compared first
	} {
		after, err := feed.ParseCursor(test.after)
		if err != nil {
			t.Fatal(err)
		}
		msgs, next, err := f.Since(after, nil)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if ids(msgs) != test.want || next.ID != test.next || text != test.err {
			t.Errorf("Since(%s): [%s], %d, %q, want [%s], %d, %q",
				test.after, ids(msgs), next.ID, text, test.want, test.next, test.err)
		}
		if err == nil && next.Epoch != epoch {
			t.Errorf("Since(%s) goes on in epoch %q, want %q", test.after, next.Epoch, epoch)
		}
	}
}

func TestSinceAppends(t *testing.T) {
	f := feed.New(5)
	publish(t, f, 1, 3)
	first, next, _ := f.Since(feed.Cursor{}, nil)
	publish(t, f, 4, 5)
	both, next, err := f.Since(next, first)
	if ids(both) != "1 2 3 4 5" || next.ID != 5 || err != nil {
		t.Errorf("[%s], %v, %v, want 1 to 5 and cursor 5", ids(both), next, err)
	}
}

// A read is bounded, so that a transport can send it in one write with a deadline.
func TestSinceIsBounded(t *testing.T) {
	f := feed.New(100)
	for range 10 {
		if _, err := f.Publish([]byte(`"` + strings.Repeat("x", 30_000) + `"`)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.Publish([]byte(`"` + strings.Repeat("x", feed.MaxData-2) + `"`)); err != nil {
		t.Fatal(err)
	}
	var reads []string
	for cursor := (feed.Cursor{}); cursor.ID < 11; {
		msgs, next, err := f.Since(cursor, nil)
		if err != nil {
			t.Fatal(err)
		}
		reads, cursor = append(reads, ids(msgs)), next
	}
	if got, want := strings.Join(reads, " | "), "1 2 | 3 4 | 5 6 | 7 8 | 9 10 | 11"; got != want {
		t.Errorf("reads are %s, want %s", got, want)
	}
}

func TestMemoryIsBoundedBySize(t *testing.T) {
	f := feed.New(feed.Keep)
	data := []byte(`"` + strings.Repeat(" ", 40_000) + `"`)
	sparse := []byte("1" + strings.Repeat(" ", 40_000)) // small when compact, in a buffer that is not
	for range 300 {
		f.Publish(data)
		f.Publish(sparse)
	}
	_, _, err := f.Since(feed.Cursor{}, nil)
	var gap *feed.GapError
	if !errors.As(err, &gap) {
		t.Fatalf("Since(0): %v, want a gap", err)
	}
	kept := 600 - gap.To
	if least, most := uint64(400), uint64(16<<20/40_000); kept < least || kept > most {
		t.Errorf("%d messages of 40 kB are kept, want %d to %d", kept, least, most)
	}
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := feed.New(10)
		start := time.Now()
		time.AfterFunc(3*time.Second, func() { publish(t, f, 1, 1) })
		msgs, next, err := f.Wait(t.Context(), f.Head(), nil)
		if ids(msgs) != "1" || next != f.Head() || err != nil || time.Since(start) != 3*time.Second {
			t.Errorf("[%s], %v, %v after %v, want 1 after 3s", ids(msgs), next, err, time.Since(start))
		}

		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		msgs, next, err = f.Wait(ctx, next, msgs[:0])
		if len(msgs) != 0 || next != f.Head() || err != context.DeadlineExceeded || time.Since(start) != 5*time.Second {
			t.Errorf("[%s], %v, %v after %v, want the context's error after 5s",
				ids(msgs), next, err, time.Since(start))
		}
		if msgs, _, err = f.Wait(ctx, feed.Cursor{}, nil); ids(msgs) != "1" || err != nil {
			t.Errorf("[%s], %v, want the message, although the context has ended", ids(msgs), err)
		}
		if _, _, err = f.Wait(t.Context(), feed.Cursor{ID: 7}, nil); err != feed.ErrAhead {
			t.Errorf("%v, want ErrAhead at once", err)
		}
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := feed.New(10)
		publish(t, f, 1, 2)
		var waiting sync.WaitGroup
		for range 3 {
			waiting.Go(func() {
				if _, _, err := f.Wait(t.Context(), f.Head(), nil); err != feed.ErrClosed {
					t.Errorf("a waiting reader got %v, want ErrClosed", err)
				}
			})
		}
		synctest.Wait()
		f.Close()
		f.Close()
		waiting.Wait()
		msgs, next, err := f.Wait(t.Context(), feed.Cursor{}, nil)
		if ids(msgs) != "1 2" || err != nil {
			t.Errorf("[%s], %v, want a late reader to drain the feed", ids(msgs), err)
		}
		if _, _, err := f.Wait(t.Context(), next, nil); err != feed.ErrClosed {
			t.Errorf("%v, want ErrClosed once drained", err)
		}
		if _, err := f.Publish([]byte("3")); err != feed.ErrClosed {
			t.Errorf("Publish: %v, want ErrClosed", err)
		}
	})
}

// Whatever the timing, each reader gets every id once and in order, or a gap with exactly the ids that it does not get.
func TestManyReadersAndWriters(t *testing.T) {
	const writers, each, readers = 4, 500, 8
	f := feed.New(64)
	var reading, writing sync.WaitGroup
	for range readers {
		reading.Go(func() {
			var cursor feed.Cursor
			var msgs []feed.Message
			for last := uint64(0); ; {
				var err error
				msgs, cursor, err = f.Wait(t.Context(), cursor, msgs[:0])
				var gap *feed.GapError
				if errors.As(err, &gap) {
					if gap.From != last+1 || gap.To < gap.From {
						t.Errorf("gap %d to %d after message %d", gap.From, gap.To, last)
					}
					last = gap.To
				} else if err != nil {
					if err != feed.ErrClosed || last != writers*each {
						t.Errorf("%v after message %d, want ErrClosed after %d", err, last, writers*each)
					}
					return
				}
				for _, m := range msgs {
					if m.ID != last+1 {
						t.Errorf("message %d after message %d", m.ID, last)
					}
					last = m.ID
				}
			}
		})
	}
	for range writers {
		writing.Go(func() { publish(t, f, 1, each) })
	}
	writing.Wait()
	f.Close()
	reading.Wait()
}

func TestEpochsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		epoch := feed.New(1).Head().Epoch
		if _, err := feed.ParseCursor(epoch + "-1"); err != nil || seen[epoch] {
			t.Fatalf("epoch %q is no epoch, or not new", epoch)
		}
		seen[epoch] = true
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, entry := range []string{"", "{", "[]", "{}", `{"id":1}`, `{"data":1}`, `{"id":-1,"data":1}`} {
		if m, err := feed.Decode([]byte(entry)); err == nil {
			t.Errorf("Decode(%q) gives %+v, want an error", entry, m)
		}
	}
	_, err := feed.Decode((&feed.GapError{From: 513, To: 600}).JSON())
	var gap *feed.GapError
	if !errors.As(err, &gap) || *gap != (feed.GapError{From: 513, To: 600}) {
		t.Errorf("Decode of a gap: %v, want the gap 513 to 600", err)
	}
}

// BenchmarkPublish asks what a message costs its publisher. The readers run concurrently, and each waits whenever it
// has every message.
func BenchmarkPublish(b *testing.B) {
	for _, readers := range []int{0, 1000} {
		b.Run(fmt.Sprintf("readers=%d", readers), func(b *testing.B) {
			f := feed.New(feed.Keep)
			var ready, done sync.WaitGroup
			ctx, cancel := context.WithCancel(context.Background())
			for range readers {
				ready.Add(1)
				done.Go(func() {
					ready.Done()
					cursor := f.Head()
					var msgs []feed.Message
					for err := error(nil); err == nil; {
						msgs, cursor, err = f.Wait(ctx, cursor, msgs[:0])
					}
				})
			}
			ready.Wait()
			data := []byte(`{"symbol":"QUOKKA","price":101.25,"change":-0.13}`)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.Publish(data); err != nil {
					b.Fatal(err)
				}
			}
			cancel()
			done.Wait()
		})
	}
}
