package docs_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// experiments compiles this package, once, and returns the program's path. The
// pages run its experiments by go test, which would compile it each time.
var experiments = sync.OnceValues(func() (string, error) {
	path := filepath.Join(bin, "docs.test")
	compile := exec.Command("go", "test", "-c", "-o", path, "./docs")
	compile.Dir = root
	if out, err := compile.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go test -c: %v\n%s", err, out)
	}
	return path, nil
})

var testFlag = regexp.MustCompile(` -(run|v)\b`)

// compiled returns the command that does what one of go test ./docs does, and
// others as they are.
func (r *reader) compiled(command string) string {
	flags, ours := strings.CutPrefix(command, "go test ./docs")
	if !ours || !strings.HasPrefix(flags, " -") {
		return command
	}
	path, err := experiments()
	if err != nil {
		r.t.Fatal(err)
	}
	return "cd docs && exec " + path + testFlag.ReplaceAllString(flags, " -test.$1")
}
