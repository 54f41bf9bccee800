// Package python checks whether this machine can run the scripts beside it: clients and servers of the four transports,
// in Python. Its tests run them; chapter 16 shows what they print:
//
//	go test ./docs/python -run 'TestPython$' -v
package python

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fourwires/docs/blocks"
	"fourwires/internal/needs"
)

// Interpreter is the path of the Python for which Debian has the modules, and which the scripts name.
const Interpreter = "/usr/bin/python3"

// modules are those that the scripts import, each with its Debian package.
var modules = []struct{ module, debian string }{
	{"aiohttp", "python3-aiohttp"},
	{"channels", "python3-django-channels"},
	{"daphne", "daphne"},
	{"flask", "python3-flask"},
	{"flask_sockets", "python3-flask-sockets"},
	{"tornado", "python3-tornado"},
	{"websockets", "python3-websockets"},
}

// Need is called by a test that runs the scripts. Where Python or one of the modules that they import is missing, it
// calls [needs.Missing], and with -short it skips the test.
func Need(t testing.TB) {
	t.Helper()
	needs.Process(t)
	scripts, err := filepath.Glob(filepath.Join(blocks.Root(t), "docs", "python", "*.py"))
	if err != nil || len(scripts) == 0 {
		t.Fatalf("%d scripts in docs/python, %v", len(scripts), err)
	}
	// Python reads the scripts, and go test repeats a stored result unless the test itself has read what has changed.
	for _, script := range scripts {
		if _, err := os.ReadFile(script); err != nil {
			t.Fatal(err)
		}
	}
	remedy := "apt-get install python3"
	var names []string
	for _, m := range modules {
		names = append(names, m.module)
		remedy += " " + m.debian
	}
	code := `import importlib.util as u, sys; print(*[m for m in sys.argv[1:] if not u.find_spec(m)])`
	out, err := exec.CommandContext(t.Context(), Interpreter, append([]string{"-c", code}, names...)...).Output()
	if err != nil {
		needs.Missing(t, err.Error(), remedy)
	}
	if missing := strings.TrimSpace(string(out)); missing != "" {
		needs.Missing(t, Interpreter+" does not have "+strings.ReplaceAll(missing, " ", ", "), remedy)
	}
}
