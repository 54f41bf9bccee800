//go:build !solution

package frames

import (
	"bufio"
	"errors"
	"io"
)

// errBroken means that a client broke the rules. It has to be sent close code 1002.
var errBroken = errors.New("a frame against the rules")

// next reads the next frame of a client: whether it is the last of its message,
// its opcode, and its payload without the mask. What breaks the rules of RFC
// 6455, section 5, is errBroken.
func next(conn *bufio.Reader) (fin bool, opcode byte, payload []byte, err error) {
	var header [2]byte
	if _, err := io.ReadFull(conn, header[:]); err != nil {
		return false, 0, nil, err
	}
	payload = make([]byte, header[1]) // and the mask? and a longer one?
	_, err = io.ReadFull(conn, payload)
	return true, header[0], payload, err
}
