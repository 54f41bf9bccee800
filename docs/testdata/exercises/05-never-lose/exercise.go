//go:build !solution

package follow

// A message is what is read; its id counts from 1.
type message struct{ id int }

// follow reads messages up to the last, and takes each once and in order,
// whatever the network does. ask asks the server for what comes after an id; 0
// is the beginning. It returns an error where the request was lost, or the answer.
func follow(ask func(after int) ([]message, error), take func(message), last int) {
	for {
		news, err := ask(0)
		if err != nil {
			continue
		}
		for _, m := range news {
			if take(m); m.id == last {
				return
			}
		}
	}
}
