// Package feed is the one idea of Fourwires: an ordered log with a bounded
// memory that readers read; nothing is pushed to them.
//
// A writer publishes messages; each gets the next id. A reader has a [Cursor], "the
// last id I have", and reads the messages after it. The first connect, resuming
// after a failure and catching up after falling behind are all this same read. The
// four transports differ only in when they make it:
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
//     [GapError] that names exactly the ids that are lost to it.
//  3. No duplicates. A read returns the cursor behind its messages, so a
//     reader that reads on from there sees no id twice.
//  4. Bounded memory. A feed keeps the newest messages: at most the count given
//     to [New], and at most 16 MiB. The newest message is always kept.
//  5. Publish never waits for readers. A feed has no goroutine, and no queue or
//     other state per reader; a reader that is slow or has left costs nothing.
//     The transports give a client about 10 s to receive a batch, of 64 KiB at
//     most, and then disconnect it. When it reconnects, its cursor brings the
//     messages that it missed, or a gap (see 2).
//  6. One encoding. A message is encoded once, by Publish. [Message.JSON]
//     returns those bytes to every reader; they must not be changed.
//  7. Epochs. A feed has a random word as its epoch. A cursor from another epoch,
//     because the server restarted, means "all messages that this feed has".
//  8. Close. Readers get the messages that the feed has, and then [ErrClosed];
//     Publish fails at once.
//
// All methods of [Feed] may be called by any number of goroutines at once.
package feed
