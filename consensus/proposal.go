package consensus

import (
	"fmt"

	"github.com/ethereum/go-ethereum/rlp"
)

// Proposal is a PRE-PREPARE with what stands beside it, unsigned because the
// digest binds it: the batch header and the transaction hashes.
type Proposal struct {
	Vote  *Vote
	Batch *Batch
}

// Encode returns the canonical RLP.
func (p *Proposal) Encode() []byte { return mustEncode(p) }

// DecodeProposal decodes a Proposal and nothing else. It checks that the vote
// is a PRE-PREPARE of this very batch, and that the batch's hashes are those
// that its header binds.
func DecodeProposal(data []byte) (*Proposal, error) {
	p := new(Proposal)
	if err := rlp.DecodeBytes(data, p); err != nil {
		return nil, fmt.Errorf("proposal: %w", err)
	}
	if err := p.Check(); err != nil {
		return nil, err
	}
	return p, nil
}

// Check reports whether vote, header and hashes belong together.
func (p *Proposal) Check() error {
	h := &p.Batch.Header
	switch {
	case p.Vote.Kind != PrePrepare:
		return fmt.Errorf("proposal: the vote is a %s", p.Vote.Kind)
	case p.Vote.Epoch != h.Epoch || p.Vote.Seq != h.Seq:
		return fmt.Errorf("proposal: PRE-PREPARE of epoch %d seq %d, batch of epoch %d seq %d", p.Vote.Epoch, p.Vote.Seq, h.Epoch, h.Seq)
	case p.Vote.Digest != h.Digest():
		return fmt.Errorf("proposal: PRE-PREPARE names %s, the batch header hashes to %s", p.Vote.Digest, h.Digest())
	}
	return p.Batch.CheckHashes()
}
