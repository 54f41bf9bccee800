//go:build solution

package choice

type way struct {
	name  string
	costs []float64
}

func take(ways []way) string {
	worst := make([]float64, len(ways))
	least := 0.0
	for i, w := range ways {
		for figure, cost := range w.costs {
			best := cost
			for _, other := range ways {
				best = min(best, other.costs[figure])
			}
			worst[i] = max(worst[i], cost/best)
		}
		if i == 0 || worst[i] < least {
			least = worst[i]
		}
	}
	for i, w := range ways {
		if worst[i] <= 1.25*least {
			return w.name
		}
	}
	return ""
}
