//go:build solution

package choice

type candidate struct {
	name  string
	costs []float64
}

func take(candidates []candidate) string {
	worst := make([]float64, len(candidates))
	least := 0.0
	for i, c := range candidates {
		for figure, cost := range c.costs {
			best := cost
			for _, other := range candidates {
				best = min(best, other.costs[figure])
			}
			worst[i] = max(worst[i], cost/best)
		}
		if i == 0 || worst[i] < least {
			least = worst[i]
		}
	}
	for i, c := range candidates {
		if worst[i] <= 1.25*least {
			return c.name
		}
	}
	return ""
}
