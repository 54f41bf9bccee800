package stats_test

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"fourwires/internal/stats"
)

// vectors returns the test vectors of a file of testdata. The page's modules are held to the same.
func vectors[T any](t *testing.T, file string) (all []T) {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &all); err != nil || len(all) == 0 {
		t.Fatalf("%s has %d vectors: %v", file, len(all), err)
	}
	return all
}

func TestQuantile(t *testing.T) {
	for _, v := range vectors[struct {
		Name    string
		Sorted  []float64
		Q, Want float64
	}](t, "quantile.json") {
		if got := stats.Quantile(v.Sorted, v.Q); got != v.Want {
			t.Errorf("%s: %v, want %v", v.Name, got, v.Want)
		}
	}
}

func TestEnough(t *testing.T) {
	for _, v := range vectors[struct {
		N    int
		Q    float64
		Want bool
	}](t, "enough.json") {
		if got := stats.Enough(v.N, v.Q); got != v.Want {
			t.Errorf("%d values, quantile %v: %v, want %v", v.N, v.Q, got, v.Want)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		values         []float64
		median, spread float64
	}{
		{[]float64{4}, 4, 0},
		{[]float64{3, 1}, 2, 0.5},
		{[]float64{10, 1, 4, 5}, 4.5, 5.5 / 4.5},
		{[]float64{10, 1, 4, 5, 6}, 5, 0.2}, // 1 and 10 are left out
	} {
		median, spread := stats.Median(test.values), stats.Spread(test.values)
		if median != test.median || spread != test.spread {
			t.Errorf("%v: median %v, spread %v, want %v", test.values, median, spread, test)
		}
	}
}

func TestIDs(t *testing.T) {
	type vector struct {
		Name                             string
		Next                             uint64
		IDs                              []uint64
		Head                             uint64
		Delivered, Duplicated, Reordered int
		Lost                             uint64
	}
	// No id of JavaScript is as large.
	large := vector{Name: "an id that lies", IDs: []uint64{1, 1 << 63}, Delivered: 2, Lost: 1<<63 - 2}
	for _, v := range append(vectors[vector](t, "ids.json"), large) {
		c := stats.IDs{Next: v.Next}
		fresh := 0
		for _, id := range v.IDs {
			if c.Take(id) {
				fresh++
			}
		}
		if c.Delivered != v.Delivered || fresh != v.Delivered || c.Duplicated != v.Duplicated ||
			c.Reordered != v.Reordered || c.Lost(v.Head) != v.Lost {
			t.Errorf("%s: %+v, %d fresh, %d lost, want %+v", v.Name, c, fresh, c.Lost(v.Head), v)
		}
		if complete := c.Complete(v.Head); complete != (v.Lost == 0) {
			t.Errorf("%s: complete is %v", v.Name, complete)
		}
	}
}

func TestAge(t *testing.T) {
	for _, v := range vectors[struct {
		Name  string
		Taken [][2]int64
		Mean  *float64
		Peak  int64
	}](t, "age.json") {
		var a stats.Age
		for _, taken := range v.Taken {
			a.Take(taken[0], taken[1])
		}
		mean, ok := a.Mean()
		if ok != (v.Mean != nil) || ok && math.Abs(mean-*v.Mean) > 1e-9 || a.Peak() != v.Peak {
			t.Errorf("%s: mean %v (%v), peak %d, want %+v", v.Name, mean, ok, a.Peak(), v)
		}
	}

	// An older message does not make the newest older; and two clients' ages join by time.
	var a, b stats.Age
	for _, taken := range [][2]int64{{10, 12}, {5, 14}, {20, 22}} {
		a.Take(taken[0], taken[1])
	}
	if mean, _ := a.Mean(); mean != 7 {
		t.Errorf("mean %v, want 7: from 2 to 12", mean)
	}
	b.Take(0, 0)
	b.Take(30, 30)
	a.Add(b)
	if mean, _ := a.Mean(); mean != (7.0*10+15*30)/40 || a.Peak() != 30 {
		t.Errorf("of two: mean %v, peak %d", mean, a.Peak())
	}
}
