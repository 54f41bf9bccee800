package frames

import (
	"bufio"
	"errors"
	"strings"
	"testing"
)

func TestNext(t *testing.T) {
	const unmasked = "\x00\x00\x00\x00" // a key that changes nothing
	long, longer := strings.Repeat("x", 126), strings.Repeat("x", 1<<16)
	for _, test := range []struct {
		name, frame string
		fin         bool
		opcode      byte
		payload     string
	}{
		{"RFC 6455, section 5.7: Hello", "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", true, 1, "Hello"},
		{"a key of zeros", "\x81\x85" + unmasked + "Hello", true, 1, "Hello"},
		{"the first of several", "\x01\x83" + unmasked + "Hel", false, 1, "Hel"},
		{"the last of several", "\x80\x82" + unmasked + "lo", true, 0, "lo"},
		{"nothing", "\x82\x80" + unmasked, true, 2, ""},
		{"125 bytes", "\x81\xfd" + unmasked + long[:125], true, 1, long[:125]},
		{"126 bytes", "\x81\xfe\x00\x7e" + unmasked + long, true, 1, long},
		{"65 535 bytes", "\x81\xfe\xff\xff" + unmasked + longer[:65535], true, 1, longer[:65535]},
		{"65 536 bytes", "\x81\xff\x00\x00\x00\x00\x00\x01\x00\x00" + unmasked + longer, true, 1, longer},
		{"a ping", "\x89\x80" + unmasked, true, 9, ""},
		{"a close frame with code 1000", "\x88\x82" + unmasked + "\x03\xe8", true, 8, "\x03\xe8"},
	} {
		conn := bufio.NewReader(strings.NewReader(test.frame + "\x89"))
		fin, opcode, payload, err := next(conn)
		if fin != test.fin || opcode != test.opcode || string(payload) != test.payload || err != nil {
			t.Errorf("%s: fin %v, opcode %d, %d bytes %.10q (%v)", test.name, fin, opcode, len(payload), payload, err)
		} else if b, err := conn.ReadByte(); b != 0x89 || err != nil {
			t.Errorf("%s: what follows was touched", test.name)
		}
	}

	for _, test := range []struct{ name, frame string }{
		{"no mask", "\x81\x05Hello"},
		{"a reserved bit", "\xc1\x85" + unmasked + "Hello"},
		{"an opcode without a meaning", "\x83\x80" + unmasked},
		{"a ping that is not the last", "\x09\x80" + unmasked},
		{"a ping of 126 bytes", "\x89\xfe\x00\x7e" + unmasked + long},
		{"5 bytes, said in four", "\x81\xfe\x00\x05" + unmasked + "Hello"},
		{"an exabyte, promised", "\x82\xff\x0f\xff\xff\xff\xff\xff\xff\xff" + unmasked},
	} {
		if _, _, _, err := next(bufio.NewReader(strings.NewReader(test.frame))); !errors.Is(err, errBroken) {
			t.Errorf("%s: %v, want errBroken", test.name, err)
		}
	}

	if _, _, _, err := next(bufio.NewReader(strings.NewReader("\x81\x85\x37"))); err == nil || errors.Is(err, errBroken) {
		t.Errorf("a frame that is cut: %v; that is no fault of the client's", err)
	}
}
