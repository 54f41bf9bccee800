//go:build race

package wire_test

const raced = true // by the race detector, under which sync.Pool drops a quarter of its objects
