package consensus

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/rlp"
)

// Evidence proves with two signatures that one validator broke the protocol.
// It never names an honest one: honest validators persist a vote before they
// send it and never sign a second for the same place.
type Evidence struct {
	Offender uint64 // sender index in the set of the votes' epoch
	First    *Vote
	Second   *Vote
}

// MaxEvidenceBytes bounds encoded evidence: it must fit in a transaction. Two
// VIEW-CHANGEs of a network of a hundred may not; then it stays with those who
// hold it.
const MaxEvidenceBytes = 100 << 10

// evidenceBody is the encoding: the offender is the sender of both votes.
type evidenceBody struct{ First, Second *Vote }

// Encode returns the canonical RLP.
func (e *Evidence) Encode() []byte { return mustEncode(&evidenceBody{e.First, e.Second}) }

// DecodeEvidence decodes evidence and nothing else. It checks form only.
func DecodeEvidence(data []byte) (*Evidence, error) {
	if len(data) > MaxEvidenceBytes {
		return nil, fmt.Errorf("evidence: %d bytes, at most %d", len(data), MaxEvidenceBytes)
	}
	var b evidenceBody
	if err := rlp.DecodeBytes(data, &b); err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	return &Evidence{Offender: b.First.Sender, First: b.First, Second: b.Second}, nil
}

// ErrEvidence is the reason why evidence proves nothing.
var ErrEvidence = errors.New("invalid evidence")

// The faults that evidence can prove, in the words of logs and RPC.
const (
	FaultEquivocation = "equivocation"     // two statements for one place
	FaultTwoBlocks    = "two block hashes" // for one batch
	FaultLostLock     = "lost lock"        // a COMMIT that a later VIEW-CHANGE forgets
)

// Fault names what the evidence proves, or says why it proves nothing. It looks
// at the statements only: check both signatures too.
func (e *Evidence) Fault() (string, error) {
	a, b := e.First, e.Second
	switch {
	case a.Epoch != b.Epoch || a.Sender != e.Offender || b.Sender != e.Offender:
		return "", fmt.Errorf("%w: the two messages are not of one validator and epoch", ErrEvidence)
	case LostLock(a, b):
		return FaultLostLock, nil
	case a.Kind != b.Kind || a.SameStatement(b):
	case a.Kind == Commit && a.Seq == b.Seq && a.Digest == b.Digest && a.BlockHash != b.BlockHash:
		return FaultTwoBlocks, nil
	case a.View == b.View && a.Seq == b.Seq:
		return FaultEquivocation, nil
	}
	return "", fmt.Errorf("%w: an honest validator may send both messages", ErrEvidence)
}

// Verify checks both signatures and that an honest validator never sends both
// messages. It returns the name of the fault.
func (e *Evidence) Verify(d Domain, set *ValidatorSet) (string, error) {
	for _, v := range []*Vote{e.First, e.Second} {
		if err := v.Verify(d, set); err != nil {
			return "", fmt.Errorf("%w: %w", ErrEvidence, err)
		}
	}
	return e.Fault()
}

// LostLock reports whether a VIEW-CHANGE forgets a COMMIT of its sender: the
// COMMIT says that the sender holds a prepared certificate, which every later
// VIEW-CHANGE of the epoch must carry, or one of a later view, until a commit
// certificate at or above that seq replaces it.
func LostLock(commit, change *Vote) bool {
	if commit.Kind != Commit || change.Kind != ViewChange || commit.Epoch != change.Epoch || change.View <= commit.View {
		return false
	}
	b := change.Change
	if len(b.Base) > 0 && b.Base[0].Seq >= commit.Seq {
		return false
	}
	for i := range b.Prepared {
		if p := &b.Prepared[i]; p.Header.Seq == commit.Seq && p.View >= commit.View {
			return false
		}
	}
	return true
}
