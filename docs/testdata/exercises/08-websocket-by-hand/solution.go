//go:build solution

package frames

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

var errBroken = errors.New("a frame against the rules")

const most = 1 << 20 // bytes of a payload

func next(conn *bufio.Reader) (fin bool, opcode byte, payload []byte, err error) {
	var header [2]byte
	if _, err := io.ReadFull(conn, header[:]); err != nil {
		return false, 0, nil, err
	}
	fin, opcode = header[0]&0x80 != 0, header[0]&0x0f
	length, least := uint64(header[1]&0x7f), uint64(0)
	switch length {
	case 126:
		var longer [2]byte
		_, err = io.ReadFull(conn, longer[:])
		length, least = uint64(binary.BigEndian.Uint16(longer[:])), 126
	case 127:
		var longer [8]byte
		_, err = io.ReadFull(conn, longer[:])
		length, least = binary.BigEndian.Uint64(longer[:]), 1<<16
	}
	control := opcode >= 8
	switch {
	case err != nil:
		return false, 0, nil, err
	case header[0]&0x70 != 0, // reserved bits
		opcode > 2 && opcode < 8, opcode > 10, // without a meaning
		header[1]&0x80 == 0,               // not masked
		length < least,                    // longer than it has to be
		control && (length > 125 || !fin), // control frames are short and whole
		length > most:                     // a promise is no reason to reserve memory
		return false, 0, nil, errBroken
	}
	var key [4]byte
	payload = make([]byte, length)
	if _, err = io.ReadFull(conn, key[:]); err == nil {
		_, err = io.ReadFull(conn, payload)
	}
	for i := range payload {
		payload[i] ^= key[i%4]
	}
	return fin, opcode, payload, err
}
