package source

import (
	"math"
	"testing"

	"fourwires/feed"
)

func TestCheck(t *testing.T) {
	with := func(change func(*Settings)) Settings {
		s := Default()
		change(&s)
		return s
	}
	market := func(rate float64) Settings {
		return with(func(s *Settings) { s.Source, s.Rate = Market, rate })
	}
	tests := []struct {
		settings Settings
		want     string // "": accepted
	}{
		{Default(), ""},
		{with(func(s *Settings) { s.Rate = 10 }), ""},
		{with(func(s *Settings) { s.Phase = Even }), ""},
		{with(func(s *Settings) { s.Payload = feed.MaxData }), ""},
		{with(func(s *Settings) { s.Seed = math.MaxUint64 }), ""},
		{market(10_000), ""},
		{market(math.SmallestNonzeroFloat64), ""},
		{with(func(s *Settings) { s.Source, s.Rate = None, 10_000 }), ""},

		{Settings{}, `source "": must be one of host, market, none`},
		{with(func(s *Settings) { s.Source = "Host" }), `source "Host": must be one of host, market, none`},
		{with(func(s *Settings) { s.Phase = "odd" }), `phase "odd": must be one of poisson, even`},
		{with(func(s *Settings) { s.Rate = 50 }), "rate 50: host takes at most 10 readings a second"},
		{market(10_000.5), "rate 10000.5: must be at most 10000 messages a second"},
		{market(math.Inf(1)), "rate +Inf: must be at most 10000 messages a second"},
		{market(math.Inf(-1)), "rate -Inf: must be a number above 0"},
		{market(math.NaN()), "rate NaN: must be a number above 0"},
		{market(0), "rate 0: must be a number above 0"},
		{market(-2.5), "rate -2.5: must be a number above 0"},
		{with(func(s *Settings) { s.Source, s.Rate = None, 0 }), "rate 0: must be a number above 0"},
		{with(func(s *Settings) { s.Source, s.Rate = None, 20_000 }),
			"rate 20000: must be at most 10000 messages a second"},
		{with(func(s *Settings) { s.Payload = -1 }), "payload -1: must be from 0 to 65536 bytes"},
		{with(func(s *Settings) { s.Payload = feed.MaxData + 1 }), "payload 65537: must be from 0 to 65536 bytes"},
	}
	for _, test := range tests {
		got := ""
		if err := test.settings.check([]string{Host, Market, None}); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("check of %+v\n got %q\nwant %q", test.settings, got, test.want)
		}
	}
}

func TestDefaultIsFirst(t *testing.T) {
	if got, want := Sources()[0], Default().Source; got != want {
		t.Errorf("first source %q, the default is %q", got, want)
	}
	if got, want := Phases()[0], Default().Phase; got != want {
		t.Errorf("first phase %q, the default is %q", got, want)
	}
}
