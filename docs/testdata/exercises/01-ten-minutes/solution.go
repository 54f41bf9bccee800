//go:build solution

package ages

func ages(all []news, end float64) (mean, peak float64) {
	area := 0.0
	for i, n := range all {
		until := end // when n stops being the newest
		if i+1 < len(all) {
			until = all[i+1].seen
		}
		young, old := n.seen-n.published, until-n.published
		area += (young + old) / 2 * (until - n.seen)
		peak = max(peak, old)
	}
	return area / (end - all[0].seen), peak
}
