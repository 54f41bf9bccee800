package lab_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestArrows holds the import rule: arrows point down only. What a package may
// import of this module is named here; gin and gorilla have one home each.
func TestArrows(t *testing.T) {
	may := map[string]string{
		"feed":                     "",
		"polling":                  "feed",
		"longpoll":                 "feed",
		"sse":                      "feed golang.org/x/text/encoding/unicode",
		"websocket":                "feed github.com/gorilla/websocket",
		"web":                      "",
		"docs":                     "github.com/yuin/goldmark",
		"docs/blocks":              "",
		"docs/python":              "docs/blocks internal/needs",
		"docs/experiments":         "",
		"docs/experiments/browser": "",
		"internal/wire":            "golang.org/x/net/http2/hpack",
		"internal/netsim":          "",
		"internal/chromium":        "",
		"internal/child":           "golang.org/x/sys/unix",
		"internal/needs":           "",
		"internal/scenario":        "",
		"internal/protocol":        "internal/wire golang.org/x/net/http2",
		"internal/decide":          "feed internal/lab internal/protocol internal/scenario internal/source",
		"internal/stats":           "",
		"internal/source":          "feed sse github.com/shirou/gopsutil golang.org/x/text/encoding/unicode",
		"internal/lab": "feed polling longpoll sse websocket web docs internal/netsim internal/scenario internal/source internal/wire" +
			" github.com/gin-contrib/gzip github.com/gin-gonic/gin github.com/prometheus/client_golang golang.org/x/time/rate",
		"internal/wire/wiretest": "internal/wire",
		"internal/lab/labtest":   "internal/lab internal/netsim internal/source",
		"internal/measure": "feed websocket internal/child internal/lab internal/netsim internal/protocol internal/scenario internal/source internal/stats internal/wire" +
			" github.com/HdrHistogram/hdrhistogram-go",
		"benchmarks": "",
		"cmd/lab": "feed polling internal/decide internal/lab internal/measure internal/netsim internal/protocol internal/scenario" +
			" internal/source internal/wire github.com/mattn/go-isatty github.com/spf13/cobra github.com/spf13/pflag",
	}
	list := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "fourwires/...")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		name := strings.TrimPrefix(fields[0], "fourwires/")
		allowed, known := may[name]
		if !known {
			t.Errorf("package %s has no place in the import rule", name)
		}
		delete(may, name)
		for _, path := range fields[1:] {
			standard := !strings.Contains(strings.Split(path, "/")[0], ".") && !strings.HasPrefix(path, "fourwires/")
			path = strings.TrimPrefix(path, "fourwires/")
			if standard || slices.ContainsFunc(strings.Fields(allowed), func(a string) bool { return path == a || strings.HasPrefix(path, a+"/") }) {
				continue
			}
			t.Errorf("%s imports %s; it may import the standard library and: %s", name, path, allowed)
		}
	}
	for name := range may {
		t.Errorf("the import rule names %s, which is not there", name)
	}
}
