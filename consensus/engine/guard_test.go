package engine

import (
	"context"
	"errors"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// TestGuardRefuses: every contradiction of an earlier signature, in the same
// run and after a restart from the journal.
func TestGuardRefuses(t *testing.T) {
	w := newWorld(t, 4)
	p := w.proposal(0, transaction(1, 1))
	d, other := p.Vote.Digest, common.Hash{9}
	prepared := consensus.NewPreparedCertificate(0, p.Batch.Header, []*consensus.Vote{p.Vote}, 4)
	records := func(view consensus.View) []pbft.Record {
		return []pbft.Record{
			{Kind: pbft.RecordStable, Stable: &consensus.CheckpointCertificate{Seq: 0}},
			{Kind: pbft.RecordProposal, Seq: 1, View: view, Vote: p.Vote, Batch: p.Batch},
			{Kind: pbft.RecordPrepared, Seq: 1, View: view, Prepared: prepared, BlockHash: common.Hash{5}},
		}
	}
	signed := func(t *testing.T, self int) *guard {
		g := newGuard(w.members[self], w.members[self], testDomain)
		kind := consensus.Prepare
		if self == 0 {
			kind = consensus.PrePrepare
		}
		for _, v := range []*consensus.Vote{{Kind: kind, Seq: 1, Digest: d}, {Kind: consensus.Commit, Seq: 1, Digest: d, BlockHash: common.Hash{5}}} {
			if err := g.sign(context.Background(), v); err != nil {
				t.Fatal(err)
			}
		}
		return g
	}
	reloaded := func(_ *testing.T, self int) *guard {
		g := newGuard(w.members[self], w.members[self], testDomain)
		g.remember(records(0), func(v *consensus.Vote) bool { return int(v.Sender) == self })
		return g
	}
	cases := []struct {
		name string
		self int
		vote consensus.Vote
		ok   bool
	}{
		{"same PRE-PREPARE", 0, consensus.Vote{Kind: consensus.PrePrepare, Seq: 1, Digest: d}, true},
		{"same PREPARE", 1, consensus.Vote{Kind: consensus.Prepare, Seq: 1, Digest: d}, true},
		{"same COMMIT", 1, consensus.Vote{Kind: consensus.Commit, Seq: 1, Digest: d, BlockHash: common.Hash{5}}, true},
		{"PRE-PREPARE of another digest", 0, consensus.Vote{Kind: consensus.PrePrepare, Seq: 1, Digest: other}, false},
		{"PREPARE of another digest", 1, consensus.Vote{Kind: consensus.Prepare, Seq: 1, Digest: other}, false},
		{"COMMIT of another digest", 1, consensus.Vote{Kind: consensus.Commit, Seq: 1, Digest: other, BlockHash: common.Hash{5}}, false},
		{"COMMIT of another block", 1, consensus.Vote{Kind: consensus.Commit, Seq: 1, Digest: d, BlockHash: common.Hash{6}}, false},
		{"COMMIT of another block in a later view", 1, consensus.Vote{Kind: consensus.Commit, View: 3, Seq: 1, Digest: d, BlockHash: common.Hash{6}}, false},
		{"PREPARE of another digest in a later view", 1, consensus.Vote{Kind: consensus.Prepare, View: 3, Seq: 1, Digest: other}, true},
		{"PREPARE elsewhere", 1, consensus.Vote{Kind: consensus.Prepare, Seq: 2, Digest: other}, true},
		{"PREPARE at genesis", 1, consensus.Vote{Kind: consensus.Prepare, Seq: 0, Digest: other}, false},
	}
	for _, c := range cases {
		for how, make := range map[string]func(*testing.T, int) *guard{"in one run": signed, "after a restart": reloaded} {
			v := c.vote
			if err := make(t, c.self).sign(context.Background(), &v); (err == nil) != c.ok {
				t.Errorf("%s %s: %v", c.name, how, err)
			}
			if !c.ok && v.Signature != (consensus.Signature{}) {
				t.Errorf("%s %s: refused, and signed", c.name, how)
			}
		}
	}
}

// TestGuardStable: nothing is signed at or below a stable checkpoint, also
// after a restart, and what it made impossible is forgotten.
func TestGuardStable(t *testing.T) {
	w := newWorld(t, 4)
	g := newGuard(w.members[0], w.members[0], testDomain)
	for seq := range consensus.Seq(4) {
		if err := g.sign(t.Context(), &consensus.Vote{Kind: consensus.Prepare, Seq: seq + 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.sign(t.Context(), &consensus.Vote{Kind: consensus.Checkpoint, Seq: 4}); err != nil {
		t.Fatal(err)
	}
	g.cut(4)
	if len(g.signed) != 0 {
		t.Errorf("%d places are remembered below the checkpoint", len(g.signed))
	}
	restarted := newGuard(w.members[0], w.members[0], testDomain)
	restarted.remember([]pbft.Record{{Kind: pbft.RecordStable, Stable: &consensus.CheckpointCertificate{Seq: 4}}}, nil)
	for _, g := range []*guard{g, restarted} {
		for _, kind := range []consensus.Kind{consensus.PrePrepare, consensus.Prepare, consensus.Commit, consensus.Checkpoint} {
			if err := g.sign(t.Context(), &consensus.Vote{Kind: kind, Seq: 4}); err == nil {
				t.Errorf("%s at the stable checkpoint was signed", kind)
			}
		}
		if err := g.sign(t.Context(), &consensus.Vote{Kind: consensus.Prepare, Epoch: 1, Seq: 5}); err != nil {
			t.Error(err)
		}
	}
}

// brokenFile fails to record the epoch.
type brokenFile struct{}

func (brokenFile) Past() (pbft.Voted, error) { return pbft.Voted{}, errors.New("unreadable") }

func (brokenFile) Record(consensus.Epoch) error { return errors.New("read-only") }

// TestGuardRecordsEpochFirst: no vote of an epoch leaves before the file beside
// the key names it.
func TestGuardRecordsEpochFirst(t *testing.T) {
	w := newWorld(t, 4)
	g := newGuard(w.members[0], brokenFile{}, testDomain)
	v := consensus.Vote{Kind: consensus.Prepare, Seq: 1}
	if err := g.sign(t.Context(), &v); err == nil || v.Signature != (consensus.Signature{}) {
		t.Errorf("signed without a record: %v", err)
	}
}
