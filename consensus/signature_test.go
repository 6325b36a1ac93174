package consensus

import (
	"errors"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"
)

// highS returns the other signature of the same statement, which anybody can
// compute: n−s, v flipped.
func highS(s Signature) Signature {
	n := crypto.S256().Params().N
	new(big.Int).Sub(n, new(big.Int).SetBytes(s[32:64])).FillBytes(s[32:64])
	s[64] ^= 1
	return s
}

func TestHighSIsRefused(t *testing.T) {
	w := newNetwork(t, 4)
	for _, v := range w.samples(t) {
		high := highS(v.Signature)
		if key, err := crypto.SigToPub(crypto.Keccak256(v.Preimage(w.domain)), high[:]); err != nil || crypto.PubkeyToAddress(*key) != w.set.Address(int(v.Sender)) {
			t.Fatalf("%s: the twin is not even a signature: %v", v.Kind, err)
		}
		v.Signature = high
		if err := v.Verify(w.domain, w.set); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: high s: %v", v.Kind, err)
		}
	}
}

func TestSignatureForms(t *testing.T) {
	w := newNetwork(t, 4)
	good := w.samples(t)[0]
	n := crypto.S256().Params().N.Bytes()
	for name, spoil := range map[string]func(s *Signature){
		"v = 27": func(s *Signature) { s[64] += 27 },
		"v = 2":  func(s *Signature) { s[64] += 2 },
		"r = 0":  func(s *Signature) { clear(s[:32]) },
		"s = 0":  func(s *Signature) { clear(s[32:64]) },
		"r = n":  func(s *Signature) { copy(s[:32], n) },
		"s = n":  func(s *Signature) { copy(s[32:64], n) },
		"empty":  func(s *Signature) { *s = Signature{} },
	} {
		v := *good
		spoil(&v.Signature)
		if err := v.Verify(w.domain, w.set); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWhatIsSigned: no field of a vote can be changed, none of the domain, and
// no vote is valid as another's.
func TestWhatIsSigned(t *testing.T) {
	w := newNetwork(t, 4)
	for _, v := range w.samples(t) {
		for name, spoil := range map[string]func(v *Vote, d *Domain){
			"chain id": func(_ *Vote, d *Domain) { d.ChainID++ },
			"genesis":  func(_ *Vote, d *Domain) { d.Genesis[0] ^= 1 },
			"epoch":    func(v *Vote, _ *Domain) { v.Epoch++ },
			"sender":   func(v *Vote, _ *Domain) { v.Sender = (v.Sender + 1) % 4 },
		} {
			bad, d := *v, w.domain
			spoil(&bad, &d)
			if err := bad.Verify(d, w.set); !errors.Is(err, ErrSigner) {
				t.Errorf("%s with another %s: %v", v.Kind, name, err)
			}
		}
		stranger := *v
		stranger.Sender = 4
		if err := stranger.Verify(w.domain, w.set); err == nil {
			t.Errorf("%s by sender 4 of 4 is accepted", v.Kind)
		}
	}
	type change struct {
		kinds []Kind
		name  string
		spoil func(*Vote)
	}
	for _, c := range []change{
		{[]Kind{PrePrepare, Prepare, Commit}, "view", func(v *Vote) { v.View++ }},
		{[]Kind{PrePrepare, Prepare, Commit, Checkpoint}, "seq", func(v *Vote) { v.Seq++ }},
		{[]Kind{PrePrepare, Prepare, Commit}, "digest", func(v *Vote) { v.Digest[31] ^= 1 }},
		{[]Kind{Commit, Checkpoint}, "block hash", func(v *Vote) { v.BlockHash[31] ^= 1 }},
		{[]Kind{Checkpoint}, "state root", func(v *Vote) { v.StateRoot[31] ^= 1 }},
		{[]Kind{Checkpoint}, "next set", func(v *Vote) { v.NextSet[31] ^= 1 }},
		{[]Kind{PrePrepare}, "kind", func(v *Vote) { v.Kind = Prepare }},
		{[]Kind{ViewChange}, "view asked for", func(v *Vote) { b := *v.Change; b.View++; v.Change = &b }},
		{[]Kind{ViewChange}, "stable seq", func(v *Vote) { b := *v.Change; b.Stable++; v.Change = &b }},
		{[]Kind{ViewChange}, "prepared", func(v *Vote) { b := *v.Change; b.Prepared = nil; v.Change = &b }},
		{[]Kind{NewView}, "O", func(v *Vote) { b := *v.NewView; b.O = nil; v.NewView = &b }},
		{[]Kind{NewView}, "changes", func(v *Vote) { b := *v.NewView; b.Changes = b.Changes[:2]; v.NewView = &b }},
	} {
		for _, k := range c.kinds {
			bad := *w.samples(t)[k-1]
			c.spoil(&bad)
			if err := bad.Verify(w.domain, w.set); !errors.Is(err, ErrSigner) {
				t.Errorf("%s with another %s: %v", k, c.name, err)
			}
		}
	}
}
