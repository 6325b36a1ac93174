package consensus

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/rlp"
)

// Mode is what a replica is doing.
type Mode uint8

// The modes.
const (
	Starting Mode = iota // exchanging STATUS before its first vote
	Normal
	Syncing // catching up; sends no vote but CHECKPOINT
	ViewChanging
	Halted
	HeldBack // may have forgotten own votes; sends no vote but CHECKPOINT until a later epoch
)

var modeNames = [...]string{"starting", "normal", "syncing", "view-changing", "halted", "held back"}

// String returns the word that logs, scripts and RPC use.
func (m Mode) String() string {
	if int(m) < len(modeNames) {
		return modeNames[m]
	}
	return "unknown"
}

// Status is what a replica tells each peer about itself, so that the peer can
// send what is missing. It is no vote: the connection authenticates it.
type Status struct {
	Epoch     Epoch
	View      View // asked for or entered
	Active    View // entered last; the slots are of this one
	Mode      Mode
	Committed Seq
	Stable    Seq
	Head      common.Hash  // hash of the block at Committed
	Window    []SlotStatus // the slots above Committed, ascending by one, at most the pipeline depth
	Boundary  Bitset       // senders of CHECKPOINTs held for the epoch's last seq; empty = none
	Changes   Bitset       // senders of VIEW-CHANGEs held for views above Active; empty = none

	// An answer to a replica that starts carries the newest vote of that replica,
	// of each kind, that the sender holds: who has lost its journal is told.
	Answer bool
	Yours  []*Vote
}

// maxYours is one vote of each kind but CHECKPOINT.
const maxYours = 5

// Held says why a replica may not vote.
type Held uint8

// The reasons. Their numbers are on disk.
const (
	NotHeld     Held = iota
	HeldNoFile       // the file beside the key is missing: nobody knows where it has voted
	HeldNoVotes      // the journal is missing, and the key has voted
	HeldOld          // the journal is older than the file beside the key
	HeldShown        // others hold newer votes of this key than the journal
	HeldTwin         // another process votes with this key
)

var heldNames = [...]string{
	NotHeld: "", HeldNoFile: "the file beside the key is missing", HeldNoVotes: "the journal of votes is missing",
	HeldOld: "the journal is older than the file beside the key", HeldShown: "others hold newer votes of this key than the journal",
	HeldTwin: "another process votes with this key",
}

// String returns the words that logs and RPC use.
func (h Held) String() string {
	if int(h) < len(heldNames) {
		return heldNames[h]
	}
	return "unknown"
}

// SlotStatus says what the sender of a Status holds for one seq in its view.
type SlotStatus struct {
	Proposal bool
	Prepares Bitset
	Commits  Bitset
}

// MaxStatusWindow bounds the slots of a Status that is decoded.
const MaxStatusWindow = maxPipelineDepth

var errStatusWindow = fmt.Errorf("status: more than %d slots", MaxStatusWindow)

// Encode returns the canonical RLP.
func (s *Status) Encode() []byte { return mustEncode(s) }

// DecodeStatus decodes a Status and nothing else.
func DecodeStatus(data []byte) (*Status, error) {
	s := new(Status)
	if err := rlp.DecodeBytes(data, s); err != nil {
		return nil, err
	}
	if len(s.Window) > MaxStatusWindow {
		return nil, errStatusWindow
	}
	if len(s.Yours) > maxYours {
		return nil, fmt.Errorf("status: %d votes of the receiver, at most %d", len(s.Yours), maxYours)
	}
	return s, nil
}
