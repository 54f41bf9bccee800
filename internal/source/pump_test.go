package source

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"fourwires/feed"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const keep = 20_000 // more than any test publishes

// start runs a pump until the test's bubble ends.
func start(t *testing.T, s Settings, inputs ...Input) (*Pump, *feed.Feed) {
	t.Helper()
	f := feed.New(keep)
	p, err := New(f, s, inputs...)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- p.Run(t.Context()) }()
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	synctest.Wait()
	return p, f
}

// all returns every message published so far.
func all(t *testing.T, f *feed.Feed) []feed.Message {
	t.Helper()
	var list []feed.Message
	for cursor := (feed.Cursor{}); ; {
		n := len(list)
		var err error
		if list, cursor, err = f.Since(cursor, list); err != nil {
			t.Fatal(err)
		}
		if len(list) == n {
			return list
		}
	}
}

// instants returns when the messages were published, counted from start.
func instants(t *testing.T, f *feed.Feed, start time.Time) []time.Duration {
	t.Helper()
	var list []time.Duration
	for _, m := range all(t, f) {
		list = append(list, time.UnixMicro(m.At).Sub(start))
	}
	return list
}

func milliseconds(numbers ...int) []time.Duration {
	var list []time.Duration
	for _, n := range numbers {
		list = append(list, time.Duration(n)*time.Millisecond)
	}
	return list
}

func change(t *testing.T, p *Pump, s Settings) {
	t.Helper()
	if err := p.Change(s); err != nil {
		t.Fatal(err)
	}
}

func TestEven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		_, f := start(t, Settings{Source: Market, Rate: 4, Phase: Even})
		time.Sleep(1100 * time.Millisecond)
		if got, want := instants(t, f, begin), milliseconds(250, 500, 750, 1000); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// Bursts do not change the rate: their gaps are from first message to first message.
func TestBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		p, f := start(t, Settings{Source: Market, Rate: 10, Phase: Even, Burst: 3, Apart: 20})
		time.Sleep(1 * time.Second)
		synctest.Wait()
		want := milliseconds(260, 280, 300, 560, 580, 600, 860, 880, 900)
		if got := instants(t, f, begin); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		// A change begins a new burst.
		change(t, p, Settings{Source: Market, Rate: 10, Phase: Even, Burst: 2})
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		if got, want := instants(t, f, begin)[len(want):], milliseconds(1200, 1200, 1400, 1400); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		change(t, p, Settings{Source: Market, Rate: 100, Phase: Poisson, Burst: 10, Apart: 1})
		before := len(all(t, f))
		time.Sleep(100 * time.Second)
		synctest.Wait()
		if n := len(all(t, f)) - before; n < 9_000 || n > 11_000 {
			t.Errorf("%d messages in 100 s, want about 10 000", n)
		}
	})
}

func TestEvenAtTheHighestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		_, f := start(t, Settings{Source: Market, Rate: MaxRate, Phase: Even})
		time.Sleep(time.Second + 50*time.Microsecond)
		got := instants(t, f, begin)
		if len(got) != MaxRate {
			t.Fatalf("%d messages in a second, want %d", len(got), MaxRate)
		}
		for i := range got {
			if want := time.Duration(i+1) * 100 * time.Microsecond; got[i] != want {
				t.Fatalf("message %d was published at %v, want %v", i+1, got[i], want)
			}
		}
	})
}

// Gaps are exponentially distributed: their number is that of the rate, and 39.3 % of them (1 − 1/√e) are shorter than
// half their mean.
func TestPoisson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, f := start(t, Settings{Source: Market, Rate: 100, Phase: Poisson, Seed: 1})
		time.Sleep(100 * time.Second)
		synctest.Wait()
		got := instants(t, f, time.Now())
		if n := len(got); n < 9_700 || n > 10_300 {
			t.Errorf("%d messages in 100 s, want about 10 000", n)
		}
		short := 0
		for i := range got[1:] {
			if got[i+1]-got[i] < 5*time.Millisecond {
				short++
			}
		}
		if share := float64(short) / float64(len(got)); share < 0.37 || share > 0.42 {
			t.Errorf("%.3f of the gaps are shorter than half the mean, want about 0.393", share)
		}
	})
}

func TestPoissonRepeatsWithItsSeed(t *testing.T) {
	gaps := func(seed uint64) (list []time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			_, f := start(t, Settings{Source: Market, Rate: 100, Phase: Poisson, Seed: seed})
			time.Sleep(time.Second)
			list = instants(t, f, begin)
		})
		return list
	}
	one, same, other := gaps(1), gaps(1), gaps(2)
	if !slices.Equal(one, same) {
		t.Error("seed 1 gave two schedules")
	}
	if slices.Equal(one, other) {
		t.Error("seeds 1 and 2 gave the same schedule")
	}
}

// stall delays the first message by d, as a busy machine does.
func stall(p *Pump, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	data, stalled := p.data, false
	p.data = func(dst []byte, now time.Time) []byte {
		if !stalled {
			stalled = true
			time.Sleep(d)
		}
		return data(dst, now)
	}
}

func TestOpenLoopCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		p, f := start(t, Settings{Source: Market, Rate: 10, Phase: Even})
		stall(p, 350*time.Millisecond) // due at 100, published at 450
		time.Sleep(750 * time.Millisecond)
		if got, want := instants(t, f, begin), milliseconds(450, 450, 450, 450, 500, 600, 700); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestFarBehindStartsAfresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		p, f := start(t, Settings{Source: Market, Rate: 10, Phase: Even})
		stall(p, 1150*time.Millisecond) // at 1250, the message that was due at 200 is too late
		time.Sleep(1500 * time.Millisecond)
		if got, want := instants(t, f, begin), milliseconds(1250, 1350, 1450); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestNonePublishesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, f := start(t, Settings{Source: None, Rate: 10, Phase: Even})
		time.Sleep(time.Hour)
		if n := len(all(t, f)); n != 0 {
			t.Errorf("%d messages, want none", n)
		}
	})
}

func TestChangeTakesEffectAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		s := Settings{Source: Market, Rate: 1, Phase: Even, Burst: 1, Seed: 1}
		p, f := start(t, s)

		time.Sleep(2500 * time.Millisecond)
		s.Rate = 10
		change(t, p, s)
		if got := p.Settings(); got != s {
			t.Errorf("Settings %+v, want %+v", got, s)
		}
		time.Sleep(250 * time.Millisecond)
		s.Source = None
		change(t, p, s)
		time.Sleep(time.Hour)
		s.Source = Market
		change(t, p, s)
		time.Sleep(250 * time.Millisecond)

		hour := int(time.Hour / time.Millisecond)
		want := milliseconds(1000, 2000, 2600, 2700, hour+2850, hour+2950)
		if got := instants(t, f, begin); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// The gap of the lowest rate is longer than the longest time.Duration.
func TestChangeEndsAnEndlessGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := Settings{Source: Market, Rate: 5e-324, Phase: Poisson, Seed: 1}
		p, f := start(t, s)
		time.Sleep(1000 * time.Hour)
		if n := len(all(t, f)); n != 0 {
			t.Errorf("%d messages, want none", n)
		}
		s.Rate, s.Phase = 1, Even
		change(t, p, s)
		time.Sleep(1500 * time.Millisecond)
		if n := len(all(t, f)); n != 1 {
			t.Errorf("%d messages after the change, want 1", n)
		}
	})
}

func TestFaultyChangeChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		s := Settings{Source: Market, Rate: 1, Phase: Even, Burst: 1}
		p, f := start(t, s)
		time.Sleep(500 * time.Millisecond)
		faulty := s
		faulty.Rate = -1
		if err := p.Change(faulty); err == nil {
			t.Error("a negative rate was accepted")
		}
		time.Sleep(time.Second)
		if got := p.Settings(); got != s {
			t.Errorf("Settings %+v, want %+v", got, s)
		}
		if got, want := instants(t, f, begin), milliseconds(1000); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestMarketGoesOnThroughChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := Settings{Source: Market, Rate: 100, Phase: Poisson, Seed: 7}
		p, f := start(t, s)
		time.Sleep(time.Second)
		s.Rate = 1000
		change(t, p, s)
		time.Sleep(time.Second)
		s.Phase = Even
		change(t, p, s)
		time.Sleep(time.Second)

		got := all(t, f)
		if len(got) < 2000 {
			t.Fatalf("only %d messages", len(got))
		}
		for i, want := range first(len(got), 7) {
			if string(got[i].Data) != want {
				t.Fatalf("message %d\n got %s\nwant %s", i+1, got[i].Data, want)
			}
		}

		synctest.Wait()
		before := f.Head()
		s.Seed = 8
		change(t, p, s)
		time.Sleep(5 * time.Millisecond)
		got, _, err := f.Since(before, nil)
		if err != nil || len(got) == 0 {
			t.Fatalf("%d messages after another seed, %v", len(got), err)
		}
		if got, want := string(got[0].Data), first(1, 8)[0]; got != want {
			t.Errorf("after another seed\n got %s\nwant %s", got, want)
		}
	})
}

func TestChangeByMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, f := start(t, Settings{Source: Market, Rate: 1000, Phase: Even})
		var changers sync.WaitGroup
		for i := range 8 {
			changers.Go(func() {
				for range 100 {
					time.Sleep(7 * time.Millisecond)
					s := p.Settings()
					s.Payload = 100 * i
					change(t, p, s)
				}
			})
		}
		changers.Wait()
		// Each of the 100 rounds moves the schedule once: 6 messages a round.
		if n := len(all(t, f)); n < 500 || n > 800 {
			t.Errorf("%d messages, want about 600", n)
		}
	})
}

func TestPayload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, source := range []string{Host, Market} {
			s := Settings{Source: source, Rate: 10, Phase: Even}
			for _, payload := range []int{200, feed.MaxData} {
				s.Payload = payload
				_, f := start(t, s)
				time.Sleep(150 * time.Millisecond)
				list := all(t, f)
				if len(list) != 1 {
					t.Fatalf("%d messages, want 1", len(list))
				}
				if got := len(list[0].Data); got != payload {
					t.Errorf("%s: %d bytes of data, want %d", source, got, payload)
				}
			}
		}
	})
}

func TestPad(t *testing.T) {
	const data = `{"a":1}`                   // 7 bytes
	const shortest = len(data + `,"pad":""`) // 16
	tests := []struct {
		size int
		want string
	}{
		{0, data},
		{len(data), data},
		{shortest - 1, data},
		{shortest, `{"a":1,"pad":""}`},
		{shortest + 3, `{"a":1,"pad":"xxx"}`},
		{feed.MaxData, `{"a":1,"pad":"` + strings.Repeat("x", feed.MaxData-shortest) + `"}`},
	}
	for _, test := range tests {
		got := pad([]byte(data), test.size)
		if string(got) != test.want {
			t.Errorf("to %d bytes: got %.40s… of %d bytes", test.size, got, len(got))
		}
		if !json.Valid(got) {
			t.Errorf("to %d bytes: not JSON", test.size)
		}
	}
}

func TestHostAtItsHighestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, f := start(t, Settings{Source: Host, Rate: MaxHostRate, Phase: Poisson, Seed: 1})
		time.Sleep(10 * time.Second)
		var last, repeated int64
		for _, m := range all(t, f) {
			sampled := decode(t, m.Data).Sampled
			switch apart := sampled - last; {
			case apart == 0:
				repeated++
			case apart < 100_000:
				t.Errorf("two readings %d µs apart", apart)
			}
			if age := m.At - sampled; age < 0 || age >= 100_000 {
				t.Errorf("message %d repeats a reading %d µs old", m.ID, age)
			}
			last = sampled
		}
		if repeated == 0 {
			t.Error("no reading was repeated, though poisson gaps are often short")
		}
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, source := range Sources() {
			f := feed.New(keep)
			p, err := New(f, Settings{Source: source, Rate: 10, Phase: Even}, oneOfEach(t)...)
			if err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
			if err := p.Run(ctx); err != nil {
				t.Errorf("%s: Run: %v", source, err)
			}
			cancel()
			if got, want := time.Since(begin), 250*time.Millisecond; got != want {
				t.Errorf("%s: Run took %v, want %v", source, got, want)
			}
		}
	})
}

func TestRunEndsWithTheFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := feed.New(keep)
		p, err := New(f, Settings{Source: Market, Rate: 1, Phase: Even})
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(2500*time.Millisecond, f.Close)
		if err := p.Run(t.Context()); err != nil {
			t.Errorf("Run: %v", err)
		}
		if got, want := f.Head().ID, uint64(2); got != want {
			t.Errorf("%d messages, want %d", got, want)
		}
	})
}

func TestInputEndsWithTheFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, input := range oneOfEach(t) {
			f := feed.New(keep)
			p, err := New(f, of(input), input)
			if err != nil {
				t.Fatal(err)
			}
			f.Close()
			if err := p.Run(t.Context()); err != nil {
				t.Errorf("%s: Run: %v", input.name, err)
			}
		}
	})
}

func TestPumpKnowsItsInputs(t *testing.T) {
	input := NewStdin(strings.NewReader(""), quiet)
	p, err := New(feed.New(keep), Default(), input)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.Sources(), []string{Host, Market, None, Stdin}; !slices.Equal(got, want) {
		t.Errorf("Sources %v, want %v", got, want)
	}
	if err := p.Change(of(input)); err != nil {
		t.Error(err)
	}
	err = p.Change(Settings{Source: Relay, Rate: 1, Phase: Even})
	if want := `source "relay": must be one of host, market, none, stdin`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Settings that do not apply to an input do not change it, and an input that has ended does not start a second time.
func TestChangeOfPaceLeavesAnInput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		input := recording(t, quiet, message(0, "1"), message(100, "2"), message(200, "3"))
		p, f := start(t, of(input), input)
		for range 50 {
			time.Sleep(7 * time.Millisecond)
			s := p.Settings()
			s.Rate, s.Payload, s.Seed = s.Rate+1, s.Payload+1, s.Seed+1
			change(t, p, s)
		}
		if got, want := instants(t, f, begin), milliseconds(0, 100, 200); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestInputGivesWayAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inputs := oneOfEach(t)
		p, f := start(t, Settings{Source: None, Rate: 1, Phase: Even}, inputs...)
		for _, input := range inputs {
			change(t, p, of(input))
			time.Sleep(500 * time.Millisecond)
			change(t, p, Settings{Source: Market, Rate: 1, Phase: Even})
			synctest.Wait()
			before := f.Head().ID
			time.Sleep(2500 * time.Millisecond)
			if n := f.Head().ID - before; n != 2 {
				t.Errorf("%s: %d messages after it, want the market's 2", input.name, n)
			}
		}
	})
}

func TestNewRefusesFaultySettings(t *testing.T) {
	if p, err := New(feed.New(keep), Settings{}); p != nil || err == nil {
		t.Errorf("got %v, %v, want an error", p, err)
	}
}
