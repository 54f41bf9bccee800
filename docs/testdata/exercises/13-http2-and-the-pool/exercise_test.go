package table

import (
	"slices"
	"strings"
	"testing"
)

func TestAdd(t *testing.T) {
	small := func(name string) field { return field{name, strings.Repeat("x", 68-len(name))} } // of 100
	cookie := func(size int) field { return field{"cookie", strings.Repeat("c", size)} }
	for _, test := range []struct {
		title string
		add   []field
		want  []string // names, the newest first
	}{
		{"all fit", []field{small("a"), small("b")}, []string{"b", "a"}},
		{"exactly full", []field{small("a"), small("b"), small("c"), small("d")}, []string{"d", "c", "b", "a"}},
		{"the oldest goes", []field{small("a"), small("b"), small("c"), small("d"), small("e")}, []string{"e", "d", "c", "b"}},
		{"a larger one has more go", []field{small("a"), small("b"), small("c"), small("d"), cookie(150)}, []string{"cookie", "d", "c"}},
		{"one that just fits", []field{small("a"), cookie(400 - 38)}, []string{"cookie"}},
		{"one that does not fit", []field{small("a"), small("b"), cookie(400 - 37)}, nil},
		{"and then another", []field{small("a"), cookie(4096), small("b")}, []string{"b"}},
	} {
		table := table{most: 400}
		for _, f := range test.add {
			table.add(f)
		}
		var got []string
		for _, f := range table.entries {
			got = append(got, f.name)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: the table has %q, want %q", test.title, got, test.want)
		}
	}
}
