package light

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/genesis"
)

// ErrLink is a change of the validator set that does not hold.
var ErrLink = errors.New("change of the validator set")

// Trust is what a verifier knows for sure: the network, and who decides in it
// from an epoch on. It is a value; Follow returns the next one.
type Trust struct {
	Domain   consensus.Domain
	Since    consensus.Epoch // the first one that Set decides
	First    consensus.Seq   // the first block of that epoch
	Set      *consensus.ValidatorSet
	Recovery genesis.Recovery // who may end an epoch whose validators are lost

	// Checkpoint, if not nil, is a later block that the verifier is sure of. No block
	// before it is shown then: the keys that prove it may have been lost since.
	Checkpoint *Checkpoint

	recovered bool // by them, for Since
}

// Begin returns what a genesis document says. Whoever gets the document from
// somebody else compares its hash.
func Begin(g *genesis.Genesis) Trust {
	return Trust{Domain: g.Domain(), First: 1, Set: g.ValidatorSet(), Recovery: g.Recovery}
}

// Link is a change of the validator set: the certificate that ends an epoch, and
// who decides from the next one on. Where the recovery keys have ended it, the
// signatures are theirs, in the place of the validators'.
type Link struct {
	Epoch      hexutil.Uint64   `json:"epoch"`              // that it ends
	Number     hexutil.Uint64   `json:"number"`             // of the epoch's last block
	BlockHash  common.Hash      `json:"blockHash"`          // of that block
	StateRoot  common.Hash      `json:"stateRoot"`          // after it
	Signers    hexutil.Bytes    `json:"signers"`            // bit i of the little-endian bytes is validator i of the set before
	Signatures []hexutil.Bytes  `json:"signatures"`         // one per signer, ascending by index
	Validators []common.Address `json:"validators"`         // from the next epoch on, ascending
	Suspended  []common.Address `json:"suspended"`          // of these, who may not be primary in the next epoch, ascending
	Params     common.Hash      `json:"params"`             // hash of the protocol parameters of the next epoch
	Recovery   *common.Hash     `json:"recovery,omitempty"` // of a recovery: hash of the new validators' nodes; bit i of signers is recovery key i
}

// NewLink returns the link of a checkpoint after which the epoch next begins.
func NewLink(c *consensus.CheckpointCertificate, next *consensus.EpochRules) Link {
	return Link{
		Epoch: hexutil.Uint64(c.Epoch), Number: hexutil.Uint64(c.Seq), BlockHash: c.BlockHash, StateRoot: c.StateRoot, Signers: hexutil.Bytes(c.Signers),
		Signatures: hexSignatures(c.Signatures), Validators: next.Set.Addresses(), Suspended: append([]common.Address{}, next.Suspended...),
		Params: next.Params.Hash(),
	}
}

// Follow checks a link against the set so far and returns what is known after
// it, or ErrLink.
func (t Trust) Follow(l *Link) (Trust, error) {
	ended := consensus.Epoch(l.Epoch)
	if ended < t.Since {
		return Trust{}, fmt.Errorf("%w: it ends epoch %d, and the set before it decides only from epoch %d on", ErrLink, ended, t.Since)
	}
	next, err := consensus.NewValidatorSet(l.Validators)
	if err != nil {
		return Trust{}, fmt.Errorf("%w after epoch %d: %w", ErrLink, ended, err)
	}
	if !slices.Equal(next.Addresses(), l.Validators) {
		return Trust{}, fmt.Errorf("%w after epoch %d: the validators are not in ascending order", ErrLink, ended)
	}
	sigs, err := parseSignatures(l.Signatures)
	if err != nil {
		return Trust{}, fmt.Errorf("%w after epoch %d: %w", ErrLink, ended, err)
	}
	c := &consensus.CheckpointCertificate{
		Epoch: ended, Seq: consensus.Seq(l.Number), BlockHash: l.BlockHash, StateRoot: l.StateRoot,
		NextSet: consensus.NextSetHash(ended+1, next, l.Suspended, l.Params), Signers: consensus.Bitset(l.Signers), Signatures: sigs,
	}
	if l.Recovery != nil {
		err = t.verifyRecovery(c, *l.Recovery)
	} else {
		err = c.Verify(t.Domain, t.Set)
	}
	switch {
	case err != nil:
		return Trust{}, fmt.Errorf("%w after epoch %d: %w", ErrLink, ended, err)
	case c.Seq+1 < t.First:
		return Trust{}, fmt.Errorf("%w after epoch %d: it ends with block %d, and the set before it decides only from block %d on", ErrLink, ended, c.Seq, t.First)
	}
	t.Since, t.First, t.Set, t.recovered = ended+1, c.Seq+1, next, l.Recovery != nil
	return t, nil
}

func hexSignatures(list []consensus.Signature) []hexutil.Bytes {
	out := make([]hexutil.Bytes, len(list))
	for i := range list {
		out[i] = list[i][:]
	}
	return out
}

func parseSignatures(list []hexutil.Bytes) ([]consensus.Signature, error) {
	out := make([]consensus.Signature, len(list))
	for i, s := range list {
		if len(s) != len(out[i]) {
			return nil, fmt.Errorf("signature %d has %d bytes, want %d", i, len(s), len(out[i]))
		}
		copy(out[i][:], s)
	}
	return out, nil
}
