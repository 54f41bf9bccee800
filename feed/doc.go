// Package feed is the one idea of Fourwires: an ordered log with a bounded
// memory that is read, not pushed.
//
// A writer publishes messages; each gets the next id. A reader holds a
// [Cursor], "the last id I have", and asks for what comes after it. First
// connect, resuming after a cut and catching up after falling behind are all
// that same question. The four transports differ only in when their reader
// gets to ask it:
//
//	polling    Since(cursor) whenever the client asks
//	longpoll   Wait(cursor) once, then answer
//	sse        Wait(cursor) in a loop, one response that never ends
//	websocket  Wait(cursor) in a loop, one frame a message
//
// # Guarantees
//
//  1. Order. Ids are 1, 2, 3 … without holes, and every reader sees them in
//     that order.
//  2. No silent loss. A reader gets every message after its cursor, or a
//     [GapError] that names exactly the ids which can no longer be had.
//  3. No duplicates. A read moves the cursor past what it returned, so a
//     reader that goes on from the returned cursor sees no id twice.
//  4. Bounded memory. A feed keeps the newest messages: at most the count given
//     to [New], and at most 16 MiB. The newest message is always kept.
//  5. Publish never waits for readers. A feed has no goroutine, and no queue or
//     other state per reader; a reader that is slow or gone costs nothing. The
//     transports give a client about 10 s to take a batch, of 64 KiB at most,
//     and let it go where it does not. When it comes back, its cursor gets it
//     what it missed, or a gap (see 2).
//  6. One encoding. A message is encoded once, by Publish. [Message.JSON]
//     returns those bytes to every reader; nobody may change them.
//  7. Epochs. A feed is known by a random word. A cursor from another epoch,
//     because the server restarted, means "everything kept here".
//  8. Close. Readers drain what is kept and then get [ErrClosed]; Publish
//     fails at once.
//
// All methods of [Feed] may be called by any number of goroutines at once.
package feed
