package python_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"fourwires/docs/blocks"
	"fourwires/docs/python"
)

// chapterBlock returns the chapter's block that begins with this line.
func chapterBlock(t *testing.T, first string) string {
	t.Helper()
	all, _ := blocks.Of(chapter, blocks.Pages(t)[chapter])
	i := slices.IndexFunc(all, func(b blocks.Block) bool { return b.Kind == "python" && b.Lines[0] == first })
	if i < 0 {
		t.Fatalf("%s has no block that begins with %q", chapter, first)
	}
	return strings.Join(all[i].Lines, "\n") + "\n"
}

// replaced returns a script with another in place of what the pattern finds.
func replaced(t *testing.T, script, pattern, by string) string {
	t.Helper()
	found := regexp.MustCompile(pattern)
	if len(found.FindAllString(script, -1)) != 1 {
		t.Fatalf("%s is not there once", pattern)
	}
	return found.ReplaceAllLiteralString(script, by)
}

// TestPythonEvents checks the code exercise: its skeleton fails, and passes with the solution, which is the code that
// the clients use.
func TestPythonEvents(t *testing.T) {
	python.Need(t)
	skeleton, solution := chapterBlock(t, "import unittest"), chapterBlock(t, "class Events:")
	used, err := os.ReadFile("events.py")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(string(used), "\n"+solution) {
		t.Errorf("%s solves the exercise otherwise than events.py", chapter)
	}
	for want, script := range map[string]string{
		"FAILED": skeleton, "OK": replaced(t, skeleton, `(?s)class Events:.*return None\n`, solution),
	} {
		command := exec.CommandContext(t.Context(), python.Interpreter, "-")
		command.Stdin = strings.NewReader(script)
		out, _ := command.CombinedOutput()
		if lines := strings.Split(strings.TrimSpace(string(out)), "\n"); !strings.HasPrefix(lines[len(lines)-1], want) {
			t.Errorf("want %s, it prints\n%s", want, out)
		}
	}
}

// TestFlaskSocketsRule checks that the chapter adds the rule as the script does.
func TestFlaskSocketsRule(t *testing.T) {
	rule := chapterBlock(t, `    sockets.url_map.add(Rule("/websocket", endpoint=websocket, websocket=True))`)
	script, err := os.ReadFile("flask_sockets_server.py")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(script), rule) {
		t.Errorf("%s shows %q, which flask_sockets_server.py does not have", chapter, rule)
	}
}

// TestPythonChat checks the last exercise's solution: a text that a client sends comes back as a message, and one that
// is not JSON is refused.
func TestPythonChat(t *testing.T) {
	python.Need(t)
	server, err := os.ReadFile("websockets_server.py")
	if err != nil {
		t.Fatal(err)
	}
	chat := replaced(t, string(server), `(?s)async def websocket\(ws, after, head\):\n.*?\n\n\n`,
		chapterBlock(t, "async def websocket(ws, after, head):")+"\n\n")
	path := filepath.Join(t.TempDir(), "chat.py")
	chat = replaced(t, chat, `import asyncio\n`, "import asyncio\nimport json\n")
	if err := os.WriteFile(path, []byte(chat), 0o666); err != nil {
		t.Fatal(err)
	}
	folder, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PYTHONPATH", folder)
	p, err := start(t.Context(), path, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer p.end(os.Kill)
	line, err := p.line()
	_, url, found := strings.Cut(line, " listens: ")
	if !found {
		t.Fatalf("it prints %q: %v", line, err)
	}
	for text, want := range map[string]string{`"hello"`: `,"data":"hello"}`, "hello": "received 1007"} {
		client, err := start(t.Context(), "websockets_send.py", url+"websocket", text)
		if err != nil {
			t.Fatal(err)
		}
		line, _ := client.line()
		client.end(syscall.Signal(0)) // it ends by itself
		if !strings.Contains(line+client.errors(), want) {
			t.Errorf("to %s comes %q and %q, want %s", text, line, client.errors(), want)
		}
	}
	if err := p.end(syscall.SIGTERM); err != nil || p.errors() != "" {
		t.Errorf("it ends with %v, and says:\n%s", err, p.errors())
	}
}
