package consensus

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// ViewChangeBody asks for a view and carries what the sender knows to be
// committed or prepared, so that nothing certified is lost.
type ViewChangeBody struct {
	View     View
	Base     []CommitCertificate   // the highest held, or empty when nothing of this epoch is committed
	Prepared []PreparedCertificate // one per seq above base, ascending, the highest view ever held
	Stable   Seq                   // the sender's stable checkpoint
}

// Digest returns keccak256(rlp(body)), what the sender signs.
func (b *ViewChangeBody) Digest() common.Hash { return crypto.Keccak256Hash(mustEncode(b)) }

// ChangeID is what a NEW-VIEW names a VIEW-CHANGE by: the hash of sender and
// body. The sender is part of it because two validators may ask with equal
// bodies; the signature is not, so a second signature makes no second message.
func (v *Vote) ChangeID() common.Hash {
	return crypto.Keccak256Hash(words(nil).uint(v.Sender).hash(v.Change.Digest()))
}

// BaseSeq returns the base's seq: that of the certificate, or the seq before
// the epoch's first.
func (b *ViewChangeBody) BaseSeq(first Seq) Seq {
	if len(b.Base) == 0 {
		return first - 1
	}
	return b.Base[0].Seq
}

// NewViewEntry is one element of O.
type NewViewEntry struct {
	Seq    Seq
	Digest common.Hash
}

// NewViewBody opens a view: the ChangeIDs of exactly q VIEW-CHANGEs of distinct
// senders by ascending sender index, and what must be proposed again.
type NewViewBody struct {
	View    View
	Changes []common.Hash
	O       []NewViewEntry
}

// Digest returns keccak256(rlp(body)), what the sender signs.
func (b *NewViewBody) Digest() common.Hash { return crypto.Keccak256Hash(mustEncode(b)) }

// ErrViewChange is the reason why a VIEW-CHANGE does not count.
var ErrViewChange = errors.New("invalid VIEW-CHANGE")

// VerifyViewChange checks everything that a VIEW-CHANGE carries against the
// set of its epoch, whose first seq is first and last seq is last. One bad
// entry voids the message.
func VerifyViewChange(v *Vote, d Domain, set *ValidatorSet, first, last Seq) error {
	b := v.Change
	if len(b.Base) > 1 {
		return fmt.Errorf("%w: %d base certificates", ErrViewChange, len(b.Base))
	}
	for i := range b.Base {
		c := &b.Base[i]
		if c.Epoch != v.Epoch || c.Seq < first || c.Seq > last {
			return fmt.Errorf("%w: base of epoch %d seq %d", ErrViewChange, c.Epoch, c.Seq)
		}
		if err := c.Verify(d, set); err != nil {
			return fmt.Errorf("%w: base: %w", ErrViewChange, err)
		}
	}
	prev := b.BaseSeq(first)
	for i := range b.Prepared {
		c := &b.Prepared[i]
		if c.Header.Epoch != v.Epoch || c.Header.Seq <= prev || c.Header.Seq > last || c.View >= b.View {
			return fmt.Errorf("%w: prepared certificate of epoch %d view %d seq %d", ErrViewChange, c.Header.Epoch, c.View, c.Header.Seq)
		}
		if err := c.Verify(d, set); err != nil {
			return fmt.Errorf("%w: prepared %d: %w", ErrViewChange, c.Header.Seq, err)
		}
		prev = c.Header.Seq
	}
	return nil
}

// Reproposals computes O from the verified VIEW-CHANGEs of a NEW-VIEW: the one
// function that the new primary and every replica share (docs/protocol.md §6).
// baseDigest is the digest of the batch before first, the parent when nothing
// of the epoch is committed. It returns the base seq, its digest and O.
func Reproposals(changes []*ViewChangeBody, first Seq, baseDigest common.Hash) (base Seq, parent common.Hash, o []NewViewEntry) {
	base, parent = first-1, baseDigest
	for _, c := range changes {
		if s := c.BaseSeq(first); s > base {
			base, parent = s, c.Base[0].BatchDigest
		}
	}
	digest := parent
	for s := base + 1; ; s++ {
		best := HighestPrepared(changes, s)
		if best == nil || best.Header.ParentDigest != digest {
			return base, parent, o
		}
		digest = best.Header.Digest()
		o = append(o, NewViewEntry{Seq: s, Digest: digest})
	}
}

// HighestPrepared returns the certificate at s of the highest view, nil if none
// of the VIEW-CHANGEs holds one.
func HighestPrepared(changes []*ViewChangeBody, s Seq) *PreparedCertificate {
	var best *PreparedCertificate
	for _, c := range changes {
		for i := range c.Prepared {
			p := &c.Prepared[i]
			if p.Header.Seq == s && (best == nil || p.View > best.View) {
				best = p
			}
		}
	}
	return best
}

// ErrNewView is the reason why a NEW-VIEW does not count.
var ErrNewView = errors.New("invalid NEW-VIEW")

// VerifyNewView recomputes a NEW-VIEW from the VIEW-CHANGEs that it names, which
// must be verified themselves. It returns the base seq and its digest.
func VerifyNewView(v *Vote, changes []*Vote, set *ValidatorSet, first Seq, baseDigest common.Hash) (base Seq, parent common.Hash, err error) {
	b := v.NewView
	if len(b.Changes) != set.Quorum() || len(changes) != len(b.Changes) {
		return 0, parent, fmt.Errorf("%w: names %d VIEW-CHANGEs, exactly %d are needed", ErrNewView, len(b.Changes), set.Quorum())
	}
	bodies := make([]*ViewChangeBody, len(changes))
	for i, c := range changes {
		switch {
		case c.ChangeID() != b.Changes[i]:
			return 0, parent, fmt.Errorf("%w: VIEW-CHANGE %d is another one", ErrNewView, i)
		case c.Epoch != v.Epoch || c.View != v.View:
			return 0, parent, fmt.Errorf("%w: VIEW-CHANGE of validator %d is for epoch %d view %d", ErrNewView, c.Sender, c.Epoch, c.View)
		case i > 0 && c.Sender <= changes[i-1].Sender:
			return 0, parent, fmt.Errorf("%w: senders are not ascending", ErrNewView)
		}
		bodies[i] = c.Change
	}
	base, parent, o := Reproposals(bodies, first, baseDigest)
	if !slices.Equal(o, b.O) {
		return 0, parent, fmt.Errorf("%w: O is not what its VIEW-CHANGEs give", ErrNewView)
	}
	return base, parent, nil
}
