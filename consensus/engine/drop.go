package engine

import "sync/atomic"

// DropReason is why a message was dropped before the replica saw it: some room
// or work is bounded. Nothing is wrong with the message, and STATUS brings it
// again.
type DropReason int

// The reasons.
const (
	DropInbox       DropReason = iota // the inbox is full: the replica does not keep up
	DropNextEpoch                     // the connection's room for messages of the next epoch is full
	DropViewChanges                   // one validator signs more VIEW-CHANGEs than are looked at
	dropReasons
)

var dropNames = [dropReasons]string{"inbox", "next_epoch", "view_changes"}

// String returns the word that metrics use.
func (r DropReason) String() string { return dropNames[r] }

// drops counts dropped messages. Safe for concurrent use.
type drops [dropReasons]atomic.Uint64

func (d *drops) add(r DropReason) { d[r].Add(1) }

// Dropped returns how many messages were dropped since the engine was made, by
// DropReason. It may be called from any goroutine.
func (e *Engine) Dropped() [dropReasons]uint64 {
	var out [dropReasons]uint64
	for r := range e.dropped {
		out[r] = e.dropped[r].Load()
	}
	return out
}
