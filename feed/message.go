package feed

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// A Message is one entry of a feed.
type Message struct {
	ID   uint64          `json:"id"`   // 1, 2, 3 …; never reused within an epoch, never skipped
	At   int64           `json:"at"`   // when Publish accepted it, in µs since the Unix epoch
	Data json.RawMessage `json:"data"` // valid, compact UTF-8 JSON

	encoded []byte
	since   time.Duration // from the creation of the feed, by the monotonic clock
}

// JSON returns the message's one encoding, {"id":…,"at":…,"data":…}: the bytes
// that Publish made and that every transport sends. They contain no line break.
// The caller must not change them.
func (m Message) JSON() []byte { return m.encoded }

// A GapError names the ids that are lost to a reader, because the feed no longer has
// them. The cursor that is returned with it stands behind the gap: read on from
// there.
type GapError struct {
	From uint64 `json:"from"` // the first missing id
	To   uint64 `json:"to"`   // the last missing id
}

func (e *GapError) Error() string {
	return fmt.Sprintf("feed: messages %d to %d can no longer be had", e.From, e.To)
}

// JSON returns the gap as it stands on the wire, {"gap":{"from":…,"to":…}}.
func (e *GapError) JSON() []byte {
	return fmt.Appendf(nil, `{"gap":{"from":%d,"to":%d}}`, e.From, e.To)
}

// An EpochError means that the feed that a client read is gone and another has taken
// its place: the server restarted. The client's cursor stands at the beginning of
// the new feed: read on from there.
type EpochError struct {
	Was, Is string // the epochs of the feed that is gone, and of the new one
}

func (e *EpochError) Error() string {
	return fmt.Sprintf("feed: epoch %s is gone, this is %s", e.Was, e.Is)
}

// Decode parses one entry as it stands on the wire: a message, or a gap, which
// it returns as a [*GapError]. The message keeps entry as its encoding, so the
// caller must not change entry afterwards.
func Decode(entry []byte) (Message, error) {
	var e struct {
		Message
		Gap *GapError `json:"gap"`
	}
	if err := json.Unmarshal(entry, &e); err != nil {
		return Message{}, fmt.Errorf("feed: an entry that is no JSON: %w", err)
	}
	if e.Gap != nil {
		return Message{}, e.Gap
	}
	if e.ID == 0 || e.Data == nil {
		return Message{}, errors.New("feed: an entry that is neither a message nor a gap")
	}
	e.encoded = entry
	return e.Message, nil
}
