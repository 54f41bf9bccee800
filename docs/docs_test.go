// Package docs_test keeps README.md and the pages of docs/ true: it runs what they show.
//
// A block marked console is run, on a lab that its page has to itself. A last line ^C says that the command goes on
// until the reader ends it. A command that opens the lab gets free ports in place of 8080, 8081 and 8443, and runs
// until the next one opens a lab or the page ends. So does nginx, with testdata/nginx.conf or nginx-tls.conf. The
// experiments, go test ./docs/… -run TestName -v, are compared by their own packages.
//
// A block that says file=polling/handler.go#Handler is compared with that declaration, and one that says file=some/file
// with all of that file; there a line … stands for lines left out.
//
// A block of any other kind stands in notRun, with the reason.
package docs_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

const root = ".."

var bin string // a directory for the program, and for the settings of curl

// TestMain lets eight parallel tests run at once, however few processors there are: they mostly wait.
func TestMain(m *testing.M) {
	flag.Parse()
	if parallel := flag.Lookup("test.parallel"); parallel.Value.String() == parallel.DefValue {
		parallel.Value.Set("8")
	}
	var err error
	if bin, err = os.MkdirTemp("", "fourwires-docs-"); err != nil {
		panic(err)
	}
	// Curl shows its progress where it does not print to a terminal.
	if err := os.WriteFile(filepath.Join(bin, ".curlrc"), []byte("no-progress-meter\n"), 0o666); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(bin)
		os.Exit(code)
	}))
}

// program returns the path of the lab, and labTests that of the tests of internal/lab, of which four pages run some.
// Each is compiled once.
var (
	program  = compiled("lab", "build", "./cmd/lab")
	labTests = compiled("lab.test", "test", "-c", "./internal/lab")
)

func compiled(name string, args ...string) func() (path string, err error) {
	return sync.OnceValues(func() (string, error) {
		path := filepath.Join(bin, name)
		last := len(args) - 1
		command := exec.Command("go", append(slices.Clone(args[:last]), "-o", path, args[last])...)
		command.Dir = root
		if out, err := command.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %v\n%s", command, err, out)
		}
		return path, nil
	})
}
