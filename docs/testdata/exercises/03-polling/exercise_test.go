package polling

import "testing"

func TestMatches(t *testing.T) {
	const tag = `"k3v9qa-412"`
	for field, want := range map[string]bool{
		``:                                 false,
		`"k3v9qa-412"`:                     true,
		`"k3v9qa-41"`:                      false,
		`"k3v9qa-4120"`:                    false,
		`k3v9qa-412`:                       false, // a tag has quotes
		`"k3v9qa-411", "k3v9qa-412"`:       true,
		`"k3v9qa-411","k3v9qa-412" , "zz"`: true,
		`W/"k3v9qa-412"`:                   true, // weak comparison: RFC 9110, section 8.8.3.2
		`*`:                                true,
	} {
		if got := matches(field, tag); got != want {
			t.Errorf("If-None-Match: %s is %v, want %v", field, got, want)
		}
	}
}
