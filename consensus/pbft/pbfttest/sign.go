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
		if m.Batch != nil {
			if err := (&consensus.Proposal{Vote: m.Vote, Batch: m.Batch}).Check(); err != nil {
				return ErrProposal
			}
		}
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
