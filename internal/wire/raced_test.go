//go:build race

package wire_test

const raced = true // by the race detector, under which sync.Pool lets go of a quarter of what it is given
