package stats

import "slices"

// IDs are the ids of the messages that one client received. Loss and duplicates are counted by id, so that one cannot
// hide the other. It may not be used by several goroutines at once.
type IDs struct {
	Next       uint64 // the id after the highest received; before, the first that is due, or 0: any may be the first
	Delivered  int    // ids received, each counted once
	Duplicated int    // messages whose id had been received before
	Reordered  int    // ids received after a higher one

	missing []span // ids below Next that have not been received, in order
}

// A span is the ids from the first to the last of it.
type span struct{ from, to uint64 }

// Take counts a received id, and reports whether it was not received before.
func (c *IDs) Take(id uint64) (fresh bool) {
	if c.Next == 0 {
		c.Next = id
	}
	if id < c.Next {
		i := slices.IndexFunc(c.missing, func(s span) bool { return s.from <= id && id <= s.to })
		if i < 0 {
			c.Duplicated++
			return false
		}
		var rest []span
		if s := c.missing[i]; s.from < id {
			rest = append(rest, span{s.from, id - 1})
		}
		if s := c.missing[i]; id < s.to {
			rest = append(rest, span{id + 1, s.to})
		}
		c.missing = slices.Replace(c.missing, i, i+1, rest...)
		c.Reordered++
		c.Delivered++
		return true
	}
	if id > c.Next {
		c.missing = append(c.missing, span{c.Next, id - 1})
	}
	c.Next = id + 1
	c.Delivered++
	return true
}

// Lost returns how many of the ids up to head have not been received. Where Next is 0 still, nothing is known to be
// due.
func (c *IDs) Lost(head uint64) (n uint64) {
	for _, s := range c.missing {
		n += s.to - s.from + 1
	}
	if c.Next > 0 && c.Next <= head {
		n += head + 1 - c.Next
	}
	return n
}

// Complete reports whether all ids up to head have been received.
func (c *IDs) Complete(head uint64) bool { return c.Next > head && len(c.missing) == 0 }
