package pbft

import (
	"testing"

	"github.com/quorate/quorate/consensus"
)

// TestStored: everything that a validator can make grow is counted, each thing
// by what it holds.
func TestStored(t *testing.T) {
	bs := chain(t, 3)
	r := newReplica(t, 1, func(p *consensus.Params) { p.EpochLength = 2 })
	settle(t, r)
	grows := func(what string, by int, do func()) {
		t.Helper()
		before := r.Stored()
		do()
		if got := r.Stored() - before; got != by {
			t.Errorf("%s: %d more, want %d", what, got, by)
		}
	}
	grows("nothing", 0, func() {})
	grows("a PREPARE", 1, func() { hear(t, r, vote(consensus.Prepare, 2, 1, bs[0].Digest())) })
	grows("a COMMIT", 1, func() { hear(t, r, commitOf(0, 2, bs[0])) })
	grows("a PREPARE at the last seq", 1, func() { hear(t, r, vote(consensus.Prepare, 2, 2, bs[1].Digest())) })
	grows("a batch that was voted for", 1, func() { r.remember(1).keepBatch(bs[0]) })
	grows("a lock", 1, func() { r.remember(1).keepLock(bs[0].Digest(), blockOf(bs[0].Digest())) })
	grows("a COMMIT of an earlier view", 1, func() { r.remember(1).keepCommits([]*consensus.Vote{nil, nil, commitOf(0, 2, bs[0])}) })
	grows("a certificate's signatures", 3, func() { p := proofOf(0, bs[0]); r.remember(1).keepProof(&p) })
	grows("a vote of a later view", 1, func() { hear(t, r, at(5, vote(consensus.Prepare, 3, 1, bs[0].Digest()))) })
	grows("a bare VIEW-CHANGE", 1, func() { r.changes[0].vote = asks(0, 4, nil) })
	grows("one with a base and a certificate", 7, func() { r.changes[2].vote = asks(2, 4, certificateOf(0, bs[0]), proofOf(0, bs[1])) })
	grows("a NEW-VIEW's VIEW-CHANGEs", 8, func() {
		r.openings[0] = &opening{changes: []*consensus.Vote{nil, r.changes[0].vote, r.changes[2].vote}}
	})
	grows("a CHECKPOINT", 1, func() { r.checkpoints[3] = vote(consensus.Checkpoint, 3, 2, bs[1].Digest()) })
	grows("what was committed lately", 2, func() { r.recent = make([]Committed, 2) })
}
