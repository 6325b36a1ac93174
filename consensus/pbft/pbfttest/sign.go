package pbfttest

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// What a node says of what it need not ask its replica about.
var (
	ErrSignature = errors.New("bad signature")
	ErrProposal  = errors.New("PRE-PREPARE, header and hashes do not belong together")
)

var errInvented = errors.New("a transaction that nobody signed")

// fakeSignature is what validator id signs: distinct per signer and statement, at
// next to no cost. Real signatures are tested in package consensus.
func fakeSignature(v *consensus.Vote, id int) consensus.Signature {
	h := mixer(0x9e3779b97f4a7c15)
	h.add(uint64(v.Kind)).add(uint64(v.Epoch)).add(v.Sender).add(uint64(v.View))
	switch v.Kind {
	case consensus.ViewChange:
		h.hash(v.Change.Digest())
	case consensus.NewView:
		h.hash(v.NewView.Digest())
	case consensus.Checkpoint:
		h.add(uint64(v.Seq)).hash(v.BlockHash).hash(v.StateRoot).hash(v.NextSet)
	case consensus.Commit:
		h.add(uint64(v.Seq)).hash(v.Digest).hash(v.BlockHash)
	default:
		h.add(uint64(v.Seq)).hash(v.Digest)
	}
	var s consensus.Signature
	binary.BigEndian.PutUint64(s[:], uint64(h))
	s[32] = byte(id + 1)
	return s
}

// mixer is a hash of 64 bits over words: fast, and good enough where nobody
// looks for collisions.
type mixer uint64

func (m *mixer) add(x uint64) *mixer {
	h := (uint64(*m) ^ x) * 0xff51afd7ed558ccd
	*m = mixer(h ^ h>>32)
	return m
}

func (m *mixer) hash(h common.Hash) *mixer {
	for i := 0; i < len(h); i += 8 {
		m.add(binary.BigEndian.Uint64(h[i:]))
	}
	return m
}

// verifiedRoom bounds what is remembered of checked votes.
const verifiedRoom = 1 << 14

// verify checks what the engine checks before the inbox. A vote that was seen
// before is not checked again: messages are never changed, and most of them
// go to everybody.
func (c *Cluster) verify(m *pbft.Message) error {
	if m.Vote == nil {
		return c.verifyOther(m)
	}
	if err, known := c.verified[m.Vote]; known {
		return err
	}
	if len(c.verified) >= verifiedRoom {
		clear(c.verified)
	}
	err := c.verifyVote(m.Vote)
	if err == nil && m.Batch != nil && (&consensus.Proposal{Vote: m.Vote, Batch: m.Batch}).Check() != nil {
		return ErrProposal // of this pair: the vote may be good beside another batch
	}
	c.verified[m.Vote] = err
	return err
}

// digestsRoom bounds how many digests are remembered.
const digestsRoom = 1 << 10

// digest returns the digest of a batch. It is computed once for all nodes, which
// share the batch: it is never changed.
func (c *Cluster) digest(b *consensus.Batch) common.Hash {
	d, known := c.digests[b]
	if !known {
		if len(c.digests) >= digestsRoom {
			clear(c.digests)
		}
		d = b.Digest()
		c.digests[b] = d
	}
	return d
}

// signed reports whether a vote carries the signature of the member of its
// epoch's set that it names.
func (c *Cluster) signed(v *consensus.Vote) bool {
	id := c.validator(v.Epoch, v.Sender)
	return id >= 0 && fakeSignature(v, id) == v.Signature
}

func (c *Cluster) verifyVote(v *consensus.Vote) error {
	switch {
	case !decodable(v) || !c.signed(v):
		return ErrSignature
	case v.Kind == consensus.ViewChange:
		return c.verifyChange(v)
	}
	return nil
}

func (c *Cluster) verifyOther(m *pbft.Message) error {
	switch {
	case m.Batch != nil:
		if m.Batch.CheckHashes() != nil {
			return ErrProposal
		}
	case m.Evidence != nil:
		return c.verifyEvidence(m.Evidence)
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

// verifyEvidence is Evidence.Verify for fake signatures.
func (c *Cluster) verifyEvidence(e *consensus.Evidence) error {
	for _, v := range []*consensus.Vote{e.First, e.Second} {
		if !decodable(v) || !c.signed(v) {
			return ErrSignature
		}
	}
	_, err := e.Fault()
	return err
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
	b, rules := v.Change, c.rulesOf(v.Epoch)
	first, last := rules.First, rules.Last()
	if len(b.Base) > 1 {
		return consensus.ErrViewChange
	}
	for i := range b.Base {
		x := &b.Base[i]
		if x.Epoch != v.Epoch || x.Seq < first || x.Seq > last {
			return consensus.ErrViewChange
		}
		if err := c.verifyOther(&pbft.Message{Certificate: x}); err != nil {
			return err
		}
	}
	prev := b.BaseSeq(first)
	for i := range b.Prepared {
		x := &b.Prepared[i]
		if x.Header.Epoch != v.Epoch || x.Header.Seq <= prev || x.Header.Seq > last || x.View >= b.View || x.View < x.Header.OriginView || len(x.Signatures) < rules.Set.Quorum() {
			return consensus.ErrViewChange
		}
		prev = x.Header.Seq
		digest := x.Header.Digest()
		for j, s := range x.Signatures {
			share := consensus.Vote{Kind: consensus.Kind(s.Kind), Epoch: x.Header.Epoch, Sender: s.Sender, View: x.View, Seq: x.Header.Seq, Digest: digest}
			if j > 0 && s.Sender <= x.Signatures[j-1].Sender || share.Kind != consensus.PrePrepare && share.Kind != consensus.Prepare {
				return consensus.ErrViewChange
			}
			if share.Signature = s.Signature; !c.signed(&share) {
				return ErrSignature
			}
		}
	}
	return nil
}

func (c *Cluster) verifyQuorum(v consensus.Vote, signers consensus.Bitset, sigs []consensus.Signature) error {
	set := c.rulesOf(v.Epoch).Set
	if err := signers.Check(set.Len()); err != nil {
		return fmt.Errorf("%w: %w", consensus.ErrQuorum, err)
	}
	members := signers.Members()
	if !set.HasQuorum(signers) || len(members) != len(sigs) {
		return fmt.Errorf("%w: %d signers, %d signatures", consensus.ErrQuorum, len(members), len(sigs))
	}
	for i, m := range members {
		if v.Sender, v.Signature = uint64(m), sigs[i]; !c.signed(&v) {
			return ErrSignature
		}
	}
	return nil
}
