package light

import (
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/recovery"
)

// NewRecoveryLink returns the link of a recovery, which must verify by these keys.
func NewRecoveryLink(d *recovery.Document, keys genesis.Recovery) Link {
	order := keys.Sorted()
	signers := consensus.NewBitset(len(order))
	var sigs []consensus.Signature
	for _, s := range d.Signatures { // in the same order
		signers.Set(slices.Index(order, s.By))
		sigs = append(sigs, s.Signature)
	}
	details := d.Statement().Details
	return Link{
		Epoch: hexutil.Uint64(d.Ends), Number: hexutil.Uint64(d.Number), BlockHash: d.BlockHash, StateRoot: d.StateRoot,
		Signers: hexutil.Bytes(signers), Signatures: hexSignatures(sigs), Validators: d.Set().Addresses(), Suspended: []common.Address{},
		Params: d.Params, Recovery: &details,
	}
}

// Recovered returns what is known from a recovery on, for who is sure that it took
// place. It checks the document by the genesis.
func Recovered(g *genesis.Genesis, d *recovery.Document) (Trust, error) {
	t := Begin(g)
	if err := d.Verify(t.Domain, t.Recovery); err != nil {
		return Trust{}, err
	}
	link := NewRecoveryLink(d, t.Recovery)
	return t.Follow(&link)
}

// verifyRecovery checks that enough recovery keys have signed what a checkpoint would
// have said.
func (t *Trust) verifyRecovery(c *consensus.CheckpointCertificate, details common.Hash) error {
	if !t.Recovery.Allowed() {
		return recovery.ErrNotAllowed
	}
	keys := t.Recovery.Sorted()
	if err := c.Signers.Check(len(keys)); err != nil {
		return fmt.Errorf("%w: %w", recovery.ErrSignature, err)
	}
	members := c.Signers.Members()
	if n := uint64(len(members)); n < t.Recovery.Threshold || len(members) != len(c.Signatures) {
		return fmt.Errorf("%w: %d signers and %d signatures, %d of %d are needed", recovery.ErrTooFew, n, len(c.Signatures), t.Recovery.Threshold, len(keys))
	}
	s := recovery.Statement{Ends: c.Epoch, Number: c.Seq, BlockHash: c.BlockHash, StateRoot: c.StateRoot, NextSet: c.NextSet, Details: details}
	preimage := s.Preimage(t.Domain)
	for i, m := range members {
		by, err := c.Signatures[i].Recover(preimage)
		if err == nil && by != keys[m] {
			err = fmt.Errorf("it is by %s", by)
		}
		if err != nil {
			return fmt.Errorf("%w of key %s: %w", recovery.ErrSignature, keys[m], err)
		}
	}
	return nil
}

// agrees reports whether a proof whose path of trust is known goes by this change of
// the set: a block of its time through it, a block before it below it.
func (t *Trust) agrees(path []Trust, f *Final) error {
	number := consensus.Seq(f.Header.Number.Uint64())
	if f.Epoch < t.Since {
		if number >= t.First {
			return fmt.Errorf("%w: block %d is of epoch %d, which ended with block %d", ErrRetired, number, f.Epoch, t.First-1)
		}
		return nil
	}
	for _, p := range path {
		same := p.Since == t.Since && p.First == t.First && slices.Equal(p.Set.Addresses(), t.Set.Addresses())
		if same || p.recovered && p.Since > t.Since { // a later recovery needs none of the links before it
			return nil
		}
	}
	return fmt.Errorf("%w: it does not go through the change of the set for epoch %d, from block %d on, which is known to have taken place", ErrRetired, t.Since, t.First)
}
