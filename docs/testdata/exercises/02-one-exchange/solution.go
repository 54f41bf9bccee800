//go:build solution

package exchange

import (
	"bufio"
	"fmt"
	"io"
	"net/textproto"
	"strconv"
)

func next(conn *bufio.Reader) (status int, body string, err error) {
	head := textproto.NewReader(conn)
	line, err := head.ReadLine()
	if err != nil {
		return 0, "", err
	}
	if _, err := fmt.Sscanf(line, "HTTP/1.1 %d", &status); err != nil {
		return 0, "", err
	}
	fields, err := head.ReadMIMEHeader() // to the blank line
	if err != nil {
		return status, "", err
	}
	if status == 204 || status == 304 {
		return status, "", nil // whatever the fields say
	}
	size, err := strconv.Atoi(fields.Get("Content-Length"))
	if err != nil { // no length: the body ends with the connection
		all, err := io.ReadAll(conn)
		return status, string(all), err
	}
	exact := make([]byte, size)
	_, err = io.ReadFull(conn, exact)
	return status, string(exact), err
}
