package statesync

import (
	"errors"
	"fmt"
)

var (
	// ErrNoOffer says that no peer offers a snapshot worth fetching.
	ErrNoOffer = errors.New("statesync: no peer offers a snapshot")
	// ErrNoPeers says that no peer was left that could go on, for GiveUpAfter.
	ErrNoPeers = errors.New("statesync: no peer can go on with the snapshot")
	// ErrRequest says that a request makes no sense.
	ErrRequest = errors.New("statesync: malformed request")

	// errGone says that no peer holds the pivot any more: another one is chosen.
	errGone = errors.New("statesync: no peer holds this snapshot any more")
)

// Reasons of a PeerError.
var (
	// ErrSilent says that a peer let us wait for longer than its patience.
	ErrSilent = errors.New("sent nothing for too long")
	// ErrLacks says that a peer does not have what it was asked for, as an honest one
	// may not.
	ErrLacks = errors.New("does not have it")
	// ErrLie says that a peer sent what no honest one sends.
	ErrLie = errors.New("sent what no honest node sends")
)

// PeerError says what was wrong with one peer.
type PeerError struct {
	Peer  Peer
	Lied  bool   // no honest peer does this
	Asked string // what it was asked for
	Err   error
}

func (e *PeerError) Error() string {
	verb := "failed"
	if e.Lied {
		verb = "lied"
	}
	return fmt.Sprintf("statesync: peer %s %s when asked for %s: %v", e.Peer, verb, e.Asked, e.Err)
}

// Unwrap returns the reason.
func (e *PeerError) Unwrap() error { return e.Err }
