package choice

import "testing"

func TestTake(t *testing.T) {
	for _, test := range []struct {
		title      string
		candidates []candidate
		want       string
	}{
		{"one", []candidate{{"polling", []float64{3, 5}}}, "polling"},
		{"all the same", []candidate{{"polling", []float64{1, 1}}, {"sse", []float64{1, 1}}}, "polling"},
		{"a little worse, and simpler", []candidate{{"polling", []float64{1.2, 1}}, {"sse", []float64{1, 1}}}, "polling"},
		{"too much worse", []candidate{{"polling", []float64{1.3, 1}}, {"sse", []float64{1, 1}}}, "sse"},
		{"the best in one, and bad in another", []candidate{{"polling", []float64{1, 9}}, {"sse", []float64{2, 1}}}, "sse"},
		{"no candidate is the best in all", []candidate{
			{"polling", []float64{1, 4}}, {"sse", []float64{4, 1}}, {"websocket", []float64{2, 2}},
		}, "websocket"},
		{"a quarter of what is not 1", []candidate{{"polling", []float64{1, 2.4}}, {"sse", []float64{2, 1}}}, "polling"},
		{"the last", []candidate{{"a", []float64{9, 9, 1}}, {"b", []float64{1, 9, 9}}, {"c", []float64{2, 2, 2}}}, "c"},
	} {
		if got := take(test.candidates); got != test.want {
			t.Errorf("%s: took %s, want %s", test.title, got, test.want)
		}
	}
}
