package blocksync

import (
	"errors"
	"fmt"
)

// Reasons of a PeerError.
var (
	// ErrNoBlocks says that a peer has none of the blocks it was asked for.
	ErrNoBlocks = errors.New("has none of the blocks")
	// ErrSilent says that a peer let us wait for longer than BlockTimeout.
	ErrSilent = errors.New("sent nothing for too long")
	// ErrOrder says that a peer sent another block than the next one.
	ErrOrder = errors.New("sent another block than the next one")
	// ErrOtherEpoch says that a peer sent a block of an epoch that the blocks before it
	// have not opened here. No quorum of an epoch of this chain has signed it; but where
	// the network was recovered below the head of this node, honest peers send it too.
	ErrOtherEpoch = errors.New("sent a block of an epoch that has not begun here: it lies, or the network was recovered at a block below the head of this node, whose blocks above are then its own alone (docs/operate/recover.md)")
	// ErrTooMuch says that a peer sent more than it was asked for.
	ErrTooMuch = errors.New("sent more than it was asked for")
	// ErrTooLarge says that a peer sent a block above MaxBlockBytes, or went on
	// after ResponseBytes.
	ErrTooLarge = errors.New("sent more bytes than a response may hold")
)

// ErrNoPeers says that no peer was left before the target was reached. The
// *PeerErrors of all of them are joined to it.
var ErrNoPeers = errors.New("blocksync: no peer could bring the chain to the target")

// PeerError says what was wrong with one peer.
type PeerError struct {
	Peer   Peer
	Number uint64 // of the block that was due
	Lied   bool   // no honest peer does this
	Err    error
}

func (e *PeerError) Error() string {
	verb := "failed"
	if e.Lied {
		verb = "lied"
	}
	return fmt.Sprintf("blocksync: peer %s %s at block %d: %v", e.Peer, verb, e.Number, e.Err)
}

// Unwrap returns the reason.
func (e *PeerError) Unwrap() error { return e.Err }
