package pbfttest

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// What a node says of what it need not ask its replica about.
var (
	ErrSignature = errors.New("bad signature")
	ErrProposal  = errors.New("PRE-PREPARE, header and hashes do not belong together")
)

// fakeSignature is distinct per signer and statement. Real signatures are
// tested in package consensus.
func fakeSignature(v *consensus.Vote) consensus.Signature {
	var s consensus.Signature
	copy(s[:], crypto.Keccak256(v.Preimage(consensus.Domain{})))
	s[32] = byte(v.Sender + 1)
	return s
}

// verify checks what the engine checks before the inbox.
func (c *Cluster) verify(m pbft.Message) error {
	switch {
	case m.Vote != nil:
		if m.Vote.Sender >= uint64(c.Set.Len()) || fakeSignature(m.Vote) != m.Vote.Signature {
			return ErrSignature
		}
		if !decodable(m.Vote) {
			return ErrSignature
		}
		if m.Vote.Kind == consensus.ViewChange {
			return c.verifyChange(m.Vote)
		}
		if m.Batch != nil {
			if err := (&consensus.Proposal{Vote: m.Vote, Batch: m.Batch}).Check(); err != nil {
				return ErrProposal
			}
		}
	case m.Batch != nil:
		return m.Batch.CheckHashes()
	case m.Certificate != nil:
		x := m.Certificate
		v := consensus.Vote{Kind: consensus.Commit, Epoch: x.Epoch, View: x.View, Seq: x.Seq, Digest: x.BatchDigest, BlockHash: x.BlockHash}
		return c.verifyQuorum(v, x.Signers, x.Signatures)
	case m.Checkpoint != nil:
		x := m.Checkpoint
		v := consensus.Vote{Kind: consensus.Checkpoint, Epoch: x.Epoch, Seq: x.Seq, BlockHash: x.BlockHash, StateRoot: x.StateRoot, NextSet: x.NextSet}
		return c.verifyQuorum(v, x.Signers, x.Signatures)
	}
	return nil
}

// decodable reports whether a vote has what a decoder gives it: fields that its
// kind does not sign are zero, and the view of a view change is its body's.
func decodable(v *consensus.Vote) bool {
	switch v.Kind {
	case consensus.Checkpoint:
		return v.View == 0
	case consensus.ViewChange:
		return v.Seq == 0 && v.View == v.Change.View
	case consensus.NewView:
		return v.Seq == 0 && v.View == v.NewView.View
	}
	return true
}

// verifyChange is consensus.VerifyViewChange for fake signatures.
func (c *Cluster) verifyChange(v *consensus.Vote) error {
	b, k := v.Change, c.Params.EpochLength
	first, last := consensus.FirstSeq(v.Epoch, k), consensus.LastSeq(v.Epoch, k)
	if len(b.Base) > 1 {
		return consensus.ErrViewChange
	}
	for i := range b.Base {
		x := &b.Base[i]
		if x.Epoch != v.Epoch || x.Seq < first || x.Seq > last {
			return consensus.ErrViewChange
		}
		if err := c.verify(pbft.Message{Certificate: x}); err != nil {
			return err
		}
	}
	prev := b.BaseSeq(first)
	for i := range b.Prepared {
		x := &b.Prepared[i]
		if x.Header.Epoch != v.Epoch || x.Header.Seq <= prev || x.Header.Seq > last || x.View >= b.View || x.View < x.Header.OriginView || len(x.Signatures) < c.Set.Quorum() {
			return consensus.ErrViewChange
		}
		prev = x.Header.Seq
		for j, s := range x.Signatures {
			share := consensus.Vote{Kind: consensus.Kind(s.Kind), Epoch: x.Header.Epoch, Sender: s.Sender, View: x.View, Seq: x.Header.Seq, Digest: x.Header.Digest()}
			if j > 0 && s.Sender <= x.Signatures[j-1].Sender || share.Kind != consensus.PrePrepare && share.Kind != consensus.Prepare {
				return consensus.ErrViewChange
			}
			if fakeSignature(&share) != s.Signature {
				return ErrSignature
			}
		}
	}
	return nil
}

func (c *Cluster) verifyQuorum(v consensus.Vote, signers consensus.Bitset, sigs []consensus.Signature) error {
	if err := signers.Check(c.Set.Len()); err != nil {
		return err
	}
	members := signers.Members()
	if !c.Set.HasQuorum(signers) || len(members) != len(sigs) {
		return fmt.Errorf("%w: %d signers, %d signatures", consensus.ErrQuorum, len(members), len(sigs))
	}
	for i, m := range members {
		if v.Sender = uint64(m); fakeSignature(&v) != sigs[i] {
			return ErrSignature
		}
	}
	return nil
}
