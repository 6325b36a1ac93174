package pbfttest

import (
	"math/rand/v2"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// forger invents certificates: one signer counted q times, too few signers,
// other signers' bits with signatures that are not theirs. It also puts them
// into VIEW-CHANGEs of its own.
type forger struct{ rng *rand.Rand }

func (*forger) Send(_ *Node, packets []Packet) []Packet { return packets }

func (f *forger) Tick(n *Node) []Packet {
	at := n.replica.Standing()
	to := n.someone(f.rng)
	c := f.commitCertificate(n, at)
	switch f.rng.IntN(4) {
	case 0:
		return []Packet{{From: n.index, To: to, Message: pbft.Message{Certificate: c, From: n.address()}}}
	case 1:
		x := &consensus.CheckpointCertificate{Epoch: at.Epoch, Seq: n.rules().Last(), BlockHash: Genesis}
		x.Signers, x.Signatures = c.Signers, c.Signatures
		return []Packet{{From: n.index, To: to, Message: pbft.Message{Checkpoint: x, From: n.address()}}}
	}
	body := &consensus.ViewChangeBody{View: at.View + 1, Stable: at.Stable}
	if f.rng.IntN(2) == 0 {
		body.Base = []consensus.CommitCertificate{*c}
	} else {
		body.Prepared = []consensus.PreparedCertificate{f.preparedCertificate(n, at)}
	}
	return []Packet{n.vote(to, consensus.Vote{Kind: consensus.ViewChange, Epoch: at.Epoch, View: body.View, Change: body}, nil)}
}

func (f *forger) commitCertificate(n *Node, at pbft.Standing) *consensus.CommitCertificate {
	v := consensus.Vote{Kind: consensus.Commit, Epoch: at.Epoch, Sender: n.sender(at.Epoch), View: at.View, Seq: at.Committed + 1, Digest: common.Hash{1}, BlockHash: common.Hash{2}}
	size := n.rules().Set.Len()
	c := &consensus.CommitCertificate{Epoch: v.Epoch, View: v.View, Seq: v.Seq, BatchDigest: v.Digest, BlockHash: v.BlockHash, Signers: consensus.NewBitset(size)}
	for i := range size {
		if i == int(v.Sender) || f.rng.IntN(4) > 0 {
			c.Signers.Set(i)
			c.Signatures = append(c.Signatures, fakeSignature(&v, n.id)) // its own, for everybody
		}
	}
	return c
}

func (f *forger) preparedCertificate(n *Node, at pbft.Standing) consensus.PreparedCertificate {
	h := consensus.BatchHeader{Version: consensus.BatchVersion, Epoch: at.Epoch, Seq: at.Committed + 1, ParentDigest: common.Hash{3}}
	c := consensus.PreparedCertificate{View: at.View, Header: h}
	v := consensus.Vote{Kind: consensus.Prepare, Epoch: at.Epoch, Sender: n.sender(at.Epoch), View: at.View, Seq: h.Seq, Digest: h.Digest()}
	for i := range n.rules().Set.Quorum() {
		share := consensus.PreparedSignature{Sender: uint64(i), Kind: uint8(v.Kind), Signature: fakeSignature(&v, n.id)}
		if f.rng.IntN(3) == 0 {
			share.Sender = v.Sender // again and again the same one
		}
		c.Signatures = append(c.Signatures, share)
	}
	return c
}
