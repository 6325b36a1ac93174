package recovery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/genesis"
)

// What a document can fail by.
var (
	ErrNetwork    = errors.New("the recovery is of another network")
	ErrNotAllowed = errors.New("the genesis of this network names no recovery keys: nobody can recover it")
	ErrSignature  = errors.New("signature of the recovery")
	ErrTooFew     = errors.New("too few recovery keys have signed")
)

// Signer signs preimages with a recovery key.
type Signer interface {
	Address() common.Address
	Sign(ctx context.Context, preimage []byte) (consensus.Signature, error)
}

// Sign adds the signature of a recovery key. Signing again changes nothing.
func (d *Document) Sign(ctx context.Context, s Signer, in consensus.Domain, keys genesis.Recovery) error {
	if err := d.checkFor(in, keys); err != nil {
		return err
	}
	if !slices.Contains(keys.Keys, s.Address()) {
		return fmt.Errorf("%w: %s is none of the %d recovery keys of this network", ErrSignature, s.Address(), len(keys.Keys))
	}
	sig, err := s.Sign(ctx, d.Statement().Preimage(in))
	if err != nil {
		return fmt.Errorf("signing as %s: %w", s.Address(), err)
	}
	d.add(Signature{s.Address(), sig})
	return nil
}

// Merge adds the signatures of another copy of the same recovery.
func (d *Document) Merge(o *Document, in consensus.Domain, keys genesis.Recovery) error {
	for _, x := range []*Document{d, o} {
		if err := x.checkFor(in, keys); err != nil {
			return err
		}
	}
	if a, b := d.Digest(in), o.Digest(in); a != b {
		return fmt.Errorf("the documents are of different recoveries, %s and %s", a, b)
	}
	if err := o.checkSignatures(in, keys); err != nil {
		return err
	}
	for _, s := range o.Signatures {
		d.add(s)
	}
	return nil
}

func (d *Document) add(s Signature) {
	i, there := slices.BinarySearchFunc(d.Signatures, s.By, func(x Signature, by common.Address) int { return bytes.Compare(x.By[:], by[:]) })
	if there {
		d.Signatures[i] = s
		return
	}
	d.Signatures = slices.Insert(d.Signatures, i, s)
}

// checkFor checks everything but the signatures.
func (d *Document) checkFor(in consensus.Domain, keys genesis.Recovery) error {
	switch {
	case d.Genesis != in.Genesis:
		return fmt.Errorf("%w: its genesis hash is %s, here it is %s", ErrNetwork, d.Genesis, in.Genesis)
	case !keys.Allowed():
		return ErrNotAllowed
	}
	return d.Check()
}

// checkSignatures checks every signature that is there.
func (d *Document) checkSignatures(in consensus.Domain, keys genesis.Recovery) error {
	preimage := d.Statement().Preimage(in)
	for i, s := range d.Signatures {
		if i > 0 && bytes.Compare(d.Signatures[i-1].By[:], s.By[:]) >= 0 {
			return fmt.Errorf("%w: the signers are not in ascending order, each once", ErrSignature)
		}
		if !slices.Contains(keys.Keys, s.By) {
			return fmt.Errorf("%w: %s is no recovery key of this network", ErrSignature, s.By)
		}
		by, err := s.Signature.Recover(preimage)
		if err == nil && by != s.By {
			err = fmt.Errorf("it is by %s, or the document was changed after it was signed", by)
		}
		if err != nil {
			return fmt.Errorf("%w of %s: %w", ErrSignature, s.By, err)
		}
	}
	return nil
}

// Verify reports whether the document holds on the network whose genesis names the
// keys: its form, every signature, and that enough have signed. Whether the block is
// certified is for those to say who have the chain.
func (d *Document) Verify(in consensus.Domain, keys genesis.Recovery) error {
	if err := d.checkFor(in, keys); err != nil {
		return err
	}
	if err := d.checkSignatures(in, keys); err != nil {
		return err
	}
	if have := uint64(len(d.Signatures)); have < keys.Threshold {
		return fmt.Errorf("%w: %d of %d that are needed, of %d keys", ErrTooFew, have, keys.Threshold, len(keys.Keys))
	}
	return nil
}

// Contradiction is two valid recoveries of which at most one can hold. Who has signed
// both is at fault; the network cannot tell which one was meant.
type Contradiction struct {
	Held, Other *Document
	HeldDigest  common.Hash
	OtherDigest common.Hash
	Both        []common.Address // keys that signed both
}

func (e *Contradiction) Error() string {
	names := make([]string, len(e.Both))
	for i, a := range e.Both {
		names[i] = a.Hex()
	}
	return fmt.Sprintf("two recoveries contradict: %s ends epoch %d with block %d and holds here, %s ends epoch %d with block %d; at fault are the keys that signed both: %s",
		e.HeldDigest, e.Held.Ends, e.Held.Number, e.OtherDigest, e.Other.Ends, e.Other.Number, strings.Join(names, ", "))
}

// Contradict returns a *Contradiction if of two valid documents one excludes the
// other: they end the same epoch, or the same block is the last of it, and they do not
// say the same.
func Contradict(held, other *Document, in consensus.Domain) error {
	a, b := held.Digest(in), other.Digest(in)
	if a == b || held.Ends != other.Ends && held.Number != other.Number {
		return nil
	}
	e := &Contradiction{Held: held, Other: other, HeldDigest: a, OtherDigest: b}
	for _, s := range held.Signatures {
		if slices.ContainsFunc(other.Signatures, func(o Signature) bool { return o.By == s.By }) {
			e.Both = append(e.Both, s.By)
		}
	}
	return e
}
