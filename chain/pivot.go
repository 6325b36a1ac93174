package chain

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/light"
)

// This file is how a node that has nothing but the genesis comes to trust the last
// block of an epoch: by the checkpoint certificates of the changes of the set, and
// the two with which the epoch before it and its own have ended.

// Pivot proves the last block of an epoch and what the epoch was opened with. It is
// untrusted until VerifyPivot.
type Pivot struct {
	Certificate *consensus.CheckpointCertificate // of the block
	Rules       PivotRules                       // of its epoch
	Links       []PivotLink                      // changes of the set before it, oldest first
	// Before ended the epoch before, and says what the rules are; nil in epoch 0.
	Before *consensus.CheckpointCertificate `rlp:"optional"`
}

// PivotLink is a change of the set.
type PivotLink struct {
	Certificate *consensus.CheckpointCertificate
	Next        PivotRules
}

// PivotRules are consensus.EpochRules without what the certificates say.
type PivotRules struct {
	Validators []common.Address
	Suspended  []common.Address
	Params     consensus.Params
}

func pivotRules(r *consensus.EpochRules) PivotRules {
	return PivotRules{r.Set.Addresses(), append([]common.Address{}, r.Suspended...), r.Params}
}

// rules completes them for the epoch after a checkpoint, which must have signed them.
func (r *PivotRules) rules(before *consensus.CheckpointCertificate) (*consensus.EpochRules, error) {
	set, err := consensus.NewValidatorSet(r.Validators)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(set.Addresses(), r.Validators) {
		return nil, errors.New("the validators are not in ascending order")
	}
	out := &consensus.EpochRules{Epoch: before.Epoch + 1, First: before.Seq + 1, Set: set, Params: r.Params}
	if len(r.Suspended) > 0 {
		out.Suspended = r.Suspended
	}
	if out.Hash() != before.NextSet {
		return nil, fmt.Errorf("the checkpoint of block %d signs the rules %s, these are %s", before.Seq, before.NextSet, out.Hash())
	}
	return out, nil
}

// Encode returns the canonical RLP.
func (p *Pivot) Encode() []byte { return mustRLP(p) }

// DecodePivot decodes a pivot and nothing else. The caller bounds the length.
func DecodePivot(data []byte) (*Pivot, error) {
	p := new(Pivot)
	if err := rlp.DecodeBytes(data, p); err != nil {
		return nil, invalid("pivot: %w", err)
	}
	return p, nil
}

// NewPivot proves the block that a stable checkpoint ends. before is the checkpoint
// of the epoch before it, nil in epoch 0. ErrNoLink says that this node lacks a
// certificate that the proof needs, or holds a recovery: who joins then executes blocks.
func (c *Chain) NewPivot(cert, before *consensus.CheckpointCertificate) (*Pivot, error) {
	if n := len(c.Recoveries()); n > 0 {
		return nil, fmt.Errorf("%w: %d recoveries are part of this chain, which a pivot does not prove", ErrNoLink, n)
	}
	e, err := c.Epoch(cert.Epoch)
	if err != nil {
		return nil, err
	}
	if cert.Epoch > 0 && (before == nil || before.Epoch != cert.Epoch-1) {
		return nil, fmt.Errorf("%w: of block %d", ErrNoLink, e.First-1)
	}
	p := &Pivot{Certificate: cert, Rules: pivotRules(e.EpochRules), Before: before}
	links, err := c.Links(cert.Epoch)
	if err != nil {
		return nil, err
	}
	for _, l := range links {
		p.Links = append(p.Links, PivotLink{l.Certificate, pivotRules(l.Next)})
	}
	return p, nil
}

// Anchor is a pivot that VerifyPivot has accepted. Only VerifyPivot makes one.
type Anchor struct {
	Number uint64      // of the block
	Hash   common.Hash // of the block
	Root   common.Hash // of the state after it
	Epoch  consensus.Epoch

	pivot *Pivot
	rules *consensus.EpochRules   // of its epoch
	since []*consensus.EpochRules // with which each set began, oldest first
}

// setOf returns the set of an epoch up to the anchor's.
func (a *Anchor) setOf(e consensus.Epoch) *consensus.ValidatorSet { return a.sinceOf(e).Set }

// sinceOf returns the rules with which the set of an epoch began.
func (a *Anchor) sinceOf(e consensus.Epoch) *consensus.EpochRules {
	out := a.since[0]
	for _, r := range a.since[1:] {
		if r.Epoch <= e {
			out = r
		}
	}
	return out
}

// VerifyPivot walks from the genesis to the pivot. What fails is ErrInvalid, but for a
// pivot that is only older than the checkpoint that is trusted: light.ErrBefore.
func (c *Chain) VerifyPivot(p *Pivot) (*Anchor, error) {
	first, err := c.Epoch(0)
	if err != nil {
		return nil, err
	}
	a, err := c.walk(p, first.EpochRules)
	if errors.Is(err, light.ErrBefore) {
		return nil, err
	}
	if err != nil {
		return nil, invalid("pivot: %w", err)
	}
	return a, nil
}

func (c *Chain) walk(p *Pivot, first *consensus.EpochRules) (*Anchor, error) {
	cert := p.Certificate
	if cert == nil {
		return nil, errors.New("it has no certificate")
	}
	a := &Anchor{
		Number: uint64(cert.Seq), Hash: cert.BlockHash, Root: cert.StateRoot, Epoch: cert.Epoch,
		pivot: p, rules: first, since: []*consensus.EpochRules{first},
	}
	for i := range p.Links {
		if err := c.follow(a, &p.Links[i]); err != nil {
			return nil, fmt.Errorf("change %d of the set: %w", i, err)
		}
	}
	if since := a.since[len(a.since)-1].Epoch; cert.Epoch < since {
		return nil, fmt.Errorf("it ends epoch %d, before epoch %d, to which its links lead", cert.Epoch, since)
	}
	if err := c.openRules(a, p); err != nil {
		return nil, err
	}
	if cert.Seq != a.rules.Last() {
		return nil, fmt.Errorf("the certificate is of block %d, epoch %d ends with block %d", cert.Seq, cert.Epoch, a.rules.Last())
	}
	if err := cert.Verify(c.domain, a.rules.Set); err != nil {
		return nil, fmt.Errorf("certificate of block %d: %w", cert.Seq, err)
	}
	return a, c.checkpointed(a)
}

// checkpointed refuses a pivot that does not agree with the checkpoint that is trusted.
func (c *Chain) checkpointed(a *Anchor) error {
	t := c.trusted
	if t == nil {
		return nil
	}
	set := a.since[0].Set
	for _, r := range a.since[1:] {
		if uint64(r.First) <= t.Number+1 {
			set = r.Set
		}
	}
	return t.CheckTip(a.Number, a.Hash, set.Addresses())
}

// follow takes one change of the set.
func (c *Chain) follow(a *Anchor, l *PivotLink) error {
	last := a.since[len(a.since)-1]
	if l.Certificate == nil {
		return errors.New("it has no certificate")
	}
	if l.Certificate.Epoch < last.Epoch {
		return fmt.Errorf("it ends epoch %d, and the set before it decides only from epoch %d on", l.Certificate.Epoch, last.Epoch)
	}
	next, err := l.Next.rules(l.Certificate)
	if err != nil {
		return err
	}
	if err := l.Certificate.Verify(c.domain, last.Set); err != nil {
		return fmt.Errorf("certificate of block %d: %w", l.Certificate.Seq, err)
	}
	a.since = append(a.since, next)
	return nil
}

// openRules proves the rules of the anchor's own epoch.
func (c *Chain) openRules(a *Anchor, p *Pivot) error {
	if a.Epoch == 0 {
		return nil // they are those of the genesis
	}
	if p.Before == nil || p.Before.Epoch != a.Epoch-1 {
		return fmt.Errorf("the certificate that ended epoch %d is missing", a.Epoch-1)
	}
	if err := p.Before.Verify(c.domain, a.setOf(a.Epoch-1)); err != nil {
		return fmt.Errorf("certificate of block %d: %w", p.Before.Seq, err)
	}
	rules, err := p.Rules.rules(p.Before)
	if err != nil {
		return err
	}
	if !slices.Equal(rules.Set.Addresses(), a.setOf(a.Epoch).Addresses()) {
		return fmt.Errorf("the set of epoch %d is not the one to which the links lead", a.Epoch)
	}
	a.rules = rules
	return nil
}
