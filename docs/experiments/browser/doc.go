// Package browser has no code but tests: the experiments of the chapters that ask a real browser. Each prints what the
// chapter shows, and fails when that differs:
//
//	go test ./docs/experiments/browser -run TestPages -v
package browser
