// Package experiments has no code but tests: the experiments of the chapters, and their drawings. They run the real
// handlers and clients over a network in memory, in virtual time, so that their figures are the same everywhere, and
// start no process. An experiment prints what the chapter shows and fails when that differs:
//
//	go test ./docs/experiments -run TestPolls -v
//
// The pictures are drawn from what is recorded while the code runs; this writes them:
//
//	go test ./docs/experiments -run Pictures -update
//
// The experiments that ask a real browser are in the folder browser, those in Python in docs/python.
package experiments
