// Package child runs a server in a process of its own, so that the server's CPU time and memory are known apart from
// its clients'. The two processes talk in JSON, one object a line: commands on the child's stdin, answers on its
// stdout. The child ends when its stdin does, and so with its parent. Both share this machine's monotonic clock.
package child

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"syscall"
	"time"
)

// Patience is how long the process may take to answer, and to end, before it is killed. Once the context has ended, the
// process has one second.
const Patience = 10 * time.Second

const parting = time.Second

// ErrInterrupted means that Ctrl-C ended the process before it was ready. A terminal sends Ctrl-C to both processes,
// and the parent may learn of it after its child has ended.
var ErrInterrupted = errors.New("interrupted")

var errEnded = errors.New("the server's process has ended")

// A Process is the child as its parent sees it. Its methods must not be called at the same time.
type Process struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *json.Decoder
	stderr  bytes.Buffer
}

// Start starts a command and reads the first object that the process writes into ready. Where that fails, the error
// quotes the process's stderr, or is [ErrInterrupted]. The caller must close the process.
func Start(ctx context.Context, command []string, ready any) (*Process, error) {
	p := &Process{cmd: exec.Command(command[0], command[1:]...)}
	p.cmd.Stderr = &p.stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.answers = json.NewDecoder(out)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("the server's process does not start: %w", err)
	}
	if err := p.read(ctx, ready); err != nil {
		p.Close(ctx)
		status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
		if ok && status.Signaled() && status.Signal() == syscall.SIGINT {
			return nil, ErrInterrupted
		}
		return nil, fmt.Errorf("%w: %s", err, p.stderr.String())
	}
	return p, nil
}

// Send sends a command, and waits for no answer.
func (p *Process) Send(command any) error {
	if err := json.NewEncoder(p.in).Encode(command); err != nil {
		return errEnded
	}
	return nil
}

// Ask sends a command and reads its answer. A process that does not answer in time is killed.
func (p *Process) Ask(ctx context.Context, command, answer any) error {
	if err := p.Send(command); err != nil {
		return err
	}
	return p.read(ctx, answer)
}

func (p *Process) read(ctx context.Context, answer any) error {
	defer p.killLate(ctx)()
	if err := p.answers.Decode(answer); err != nil {
		return errEnded
	}
	return nil
}

// killLate kills the process unless done is called in time.
func (p *Process) killLate(ctx context.Context) (done func()) {
	end := make(chan struct{})
	go func() {
		select {
		case <-end:
			return
		case <-time.After(Patience):
		case <-ctx.Done():
			select {
			case <-end:
				return
			case <-time.After(parting):
			}
		}
		p.cmd.Process.Kill()
	}()
	return func() { close(end) }
}

// Close closes the process's stdin and waits until the process has ended. Where it failed, the error quotes its stderr.
func (p *Process) Close(ctx context.Context) error {
	p.in.Close()
	defer p.killLate(ctx)()
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("the server's process: %w: %s", err, p.stderr.String())
	}
	return nil
}

// Serve is the child's side. It writes ready, and then calls obey with each command and writes the answer, unless that
// is nil. It blocks until stdin ends, or until a command fails; the error quotes that command.
func Serve[Command any](
	stdin io.Reader, stdout io.Writer, ready any, obey func(Command) (answer any, err error),
) error {
	answers := json.NewEncoder(stdout)
	if err := answers.Encode(ready); err != nil {
		return err
	}
	commands := bufio.NewScanner(stdin)
	for commands.Scan() {
		var command Command
		decoder := json.NewDecoder(bytes.NewReader(commands.Bytes()))
		decoder.DisallowUnknownFields()
		err := decoder.Decode(&command)
		var answer any
		if err == nil {
			answer, err = obey(command)
		}
		if err == nil && answer != nil {
			err = answers.Encode(answer)
		}
		if err != nil {
			return fmt.Errorf("the command %s: %w", commands.Text(), err)
		}
	}
	return commands.Err()
}
