//go:build solution

package follow

type message struct{ id int }

func follow(ask func(after int) ([]message, error), take func(message), last int) {
	cursor := 0
	for cursor < last {
		news, err := ask(cursor)
		if err != nil {
			continue // the cursor stands, so the same is asked again
		}
		for _, m := range news {
			take(m)
			cursor = m.id
		}
	}
}
