package feed

import (
	"errors"
	"strconv"
	"strings"
)

// ErrCursor means that a text is not the text form of a [Cursor].
var ErrCursor = errors.New(`feed: a cursor is a number, or an epoch, "-" and a number`)

// A Cursor is a reader's position: the id of the last message it has.
//
// Its text form is "EPOCH-ID", the same in ?after= and in Last-Event-ID. Without
// an epoch it is the number alone, and means that id in the epoch of the feed that
// is read; so "0" asks for all messages that the feed has.
type Cursor struct {
	Epoch string // 1 to 16 of a–z and 0–9; empty: the epoch of the feed that is read
	ID    uint64 // 0: before the first message
}

// ParseCursor parses the text form. It accepts exactly what [Cursor.String]
// returns: no sign, no leading zero, no space. The error is [ErrCursor].
func ParseCursor(text string) (Cursor, error) {
	epoch, number, found := strings.Cut(text, "-")
	if !found {
		epoch, number = "", text
	} else if !isEpoch(epoch) {
		return Cursor{}, ErrCursor
	}
	id, err := strconv.ParseUint(number, 10, 64)
	if err != nil || number[0] == '0' && number != "0" {
		return Cursor{}, ErrCursor
	}
	return Cursor{epoch, id}, nil
}

// String returns the text form.
func (c Cursor) String() string {
	id := strconv.FormatUint(c.ID, 10)
	if c.Epoch == "" {
		return id
	}
	return c.Epoch + "-" + id
}

func isEpoch(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 16
}
