package source

import (
	"fmt"
	"testing"
	"time"
)

// first returns the first n data of a market.
func first(n int, seed uint64) []string {
	m := newMarket(seed)
	list := make([]string, n)
	for i := range list {
		list[i] = string(m.data(nil, time.Time{}))
	}
	return list
}

// The bytes are the same on every machine and with every version of Go.
func TestMarketBytes(t *testing.T) {
	want := []string{
		`{"symbol":"FERRET","price":467.74,"change":0.05}`,
		`{"symbol":"PUFFIN","price":429.85,"change":-0.18}`,
		`{"symbol":"HORNET","price":61.96,"change":0.10}`,
	}
	for i, got := range first(len(want), 1) {
		if got != want[i] {
			t.Errorf("data %d\n got %s\nwant %s", i, got, want[i])
		}
	}
}

func TestMarketSeed(t *testing.T) {
	one, same, other := first(1000, 7), first(1000, 7), first(1000, 8)
	agree := 0
	for i := range one {
		if one[i] != same[i] {
			t.Fatalf("seed 7, data %d: %s, the second time %s", i, one[i], same[i])
		}
		if one[i] == other[i] {
			agree++
		}
	}
	if agree > 10 {
		t.Errorf("seeds 7 and 8 agree in %d of 1000 data", agree)
	}
}

func TestMarketStaysPositive(t *testing.T) {
	m := newMarket(1)
	for i := range m.prices {
		m.prices[i] = minPrice // the lowest prices
	}
	var seen [len(symbols)]int
	for range 1_000_000 {
		was := m.prices
		i, change := m.step()
		if got, want := m.prices[i], was[i]+change; got != want {
			t.Fatalf("price %d, but %d changed by %d", got, was[i], change)
		}
		if m.prices[i] < minPrice {
			t.Fatalf("%s fell to %d", symbols[i], m.prices[i])
		}
		seen[i]++
	}
	for i, n := range seen {
		if n < 49_000 || n > 51_000 {
			t.Errorf("%s moved %d times in a million, want about 50 000", symbols[i], n)
		}
	}
}

func TestAppendCents(t *testing.T) {
	for cents, want := range map[int64]string{
		0: "0.00", 5: "0.05", -5: "-0.05", -13: "-0.13", 100: "1.00", 10125: "101.25", -10125: "-101.25",
	} {
		if got := string(appendCents(nil, cents)); got != want {
			t.Errorf("%d cents: got %s, want %s", cents, got, want)
		}
	}
}

// BenchmarkMarket asks what the data of one message costs before Publish. The buffer is reused, as by a Pump, so there
// are no allocations.
func BenchmarkMarket(b *testing.B) {
	for _, payload := range []int{0, 128, 4096} {
		b.Run(fmt.Sprintf("payload=%d", payload), func(b *testing.B) {
			b.ReportAllocs()
			m := newMarket(1)
			var buffer []byte
			for b.Loop() {
				buffer = pad(m.data(buffer[:0], time.Time{}), payload)
			}
		})
	}
}
