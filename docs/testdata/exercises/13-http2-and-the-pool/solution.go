//go:build solution

package table

type field struct{ name, value string }

func (f field) size() int { return len(f.name) + len(f.value) + 32 }

type table struct {
	most    int
	entries []field
}

func (t *table) add(f field) {
	room := t.most - f.size()
	kept := 0
	for kept < len(t.entries) && room >= t.entries[kept].size() {
		room -= t.entries[kept].size()
		kept++
	}
	t.entries = t.entries[:kept]
	if f.size() <= t.most {
		t.entries = append([]field{f}, t.entries...)
	}
}
