package python_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"

	"fourwires/docs/python"
)

// A process is a script that runs.
type process struct {
	cmd      *exec.Cmd
	lines    chan string // of its standard output; closed when that ends
	mu       sync.Mutex
	stderr   bytes.Buffer
	copying  sync.WaitGroup
	released context.CancelFunc
}

func start(ctx context.Context, args ...string) (*process, error) {
	p := &process{lines: make(chan string, 1000)}
	ctx, p.released = context.WithCancel(ctx)
	p.cmd = exec.CommandContext(ctx, python.Interpreter, args...)
	p.cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.cmd.Stderr = p
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.copying.Go(func() {
		defer close(p.lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			p.lines <- scanner.Text()
		}
	})
	return p, nil
}

// Write keeps what the process writes to standard error.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.Write(b)
}

func (p *process) errors() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

// line returns the next line of its standard output.
func (p *process) line() (string, error) {
	select {
	case line, open := <-p.lines:
		if open {
			return line, nil
		}
		return "", fmt.Errorf("it has ended; its standard error is:\n%s", p.errors())
	case <-time.After(patience):
		return "", fmt.Errorf("it has printed nothing for %v; its standard error is:\n%s", patience, p.errors())
	}
}

// end sends the process a signal to end, and waits for it. A second end does nothing.
func (p *process) end(signal os.Signal) error {
	defer p.released()
	if p.cmd.ProcessState != nil {
		return nil
	}
	p.cmd.Process.Signal(signal)
	defer time.AfterFunc(patience, p.released).Stop() // which kills it
	p.copying.Wait()
	return p.cmd.Wait()
}
