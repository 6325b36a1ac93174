package consensus

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
)

// Errors of certificates.
var (
	ErrQuorum     = errors.New("no quorum of distinct signers")
	ErrMalformed  = errors.New("malformed certificate")
	ErrWrongEpoch = errors.New("wrong epoch")
)

// PreparedSignature is one validator's share of a PreparedCertificate. The
// kind is kept because the preimages of PRE-PREPARE and PREPARE differ.
type PreparedSignature struct {
	Sender    uint64
	Kind      uint8
	Signature Signature
}

// PreparedCertificate proves that q validators agreed on (epoch, view, seq,
// digest). At least f+1 honest ones of them hold the batch durably.
type PreparedCertificate struct {
	View       View
	Header     BatchHeader         // names epoch and seq, and hashes to the digest
	Signatures []PreparedSignature // ascending by sender
}

// Verify checks q distinct signers on identical content. Who was primary is
// not checked: it may depend on a NEW-VIEW that the verifier has not seen, and
// dropping such a certificate forks.
func (c *PreparedCertificate) Verify(d Domain, set *ValidatorSet) error {
	digest := c.Header.Digest()
	if c.View < c.Header.OriginView {
		return fmt.Errorf("%w: prepared in view %d, first proposed in view %d", ErrMalformed, c.View, c.Header.OriginView)
	}
	if len(c.Signatures) < set.Quorum() {
		return fmt.Errorf("%w: %d of %d needed", ErrQuorum, len(c.Signatures), set.Quorum())
	}
	for i, s := range c.Signatures {
		if i > 0 && s.Sender <= c.Signatures[i-1].Sender {
			return fmt.Errorf("%w: senders are not ascending", ErrMalformed)
		}
		v := Vote{Kind: Kind(s.Kind), Epoch: c.Header.Epoch, Sender: s.Sender, View: c.View, Seq: c.Header.Seq, Digest: digest, Signature: s.Signature}
		if v.Kind != PrePrepare && v.Kind != Prepare {
			return fmt.Errorf("%w: holds a %s", ErrMalformed, v.Kind)
		}
		if err := v.Verify(d, set); err != nil {
			return err
		}
	}
	return nil
}

// CommitCertificate finalises a block: q validators signed its batch and the
// hash of its executed header. It commits every seq below by ParentDigest.
type CommitCertificate struct {
	Epoch       Epoch
	View        View
	Seq         Seq
	BatchDigest common.Hash
	BlockHash   common.Hash
	Signers     Bitset
	Signatures  []Signature // one per signer, ascending by index
}

// Verify checks the quorum and every signature against the set of the epoch.
func (c *CommitCertificate) Verify(d Domain, set *ValidatorSet) error {
	v := Vote{Kind: Commit, Epoch: c.Epoch, View: c.View, Seq: c.Seq, Digest: c.BatchDigest, BlockHash: c.BlockHash}
	return verifyQuorum(&v, c.Signers, c.Signatures, d, set)
}

// CheckpointCertificate ends an epoch: at q validators the block of its last
// seq and the state are durable. It also commits that seq.
type CheckpointCertificate struct {
	Epoch      Epoch
	Seq        Seq
	BlockHash  common.Hash
	StateRoot  common.Hash
	NextSet    common.Hash
	Signers    Bitset
	Signatures []Signature
}

// Verify checks the quorum and every signature against the set of the epoch
// that the checkpoint ends.
func (c *CheckpointCertificate) Verify(d Domain, set *ValidatorSet) error {
	v := Vote{Kind: Checkpoint, Epoch: c.Epoch, Seq: c.Seq, BlockHash: c.BlockHash, StateRoot: c.StateRoot, NextSet: c.NextSet}
	return verifyQuorum(&v, c.Signers, c.Signatures, d, set)
}

// verifyQuorum checks that the signers are a quorum of the set and that each
// signed v's statement.
func verifyQuorum(v *Vote, signers Bitset, sigs []Signature, d Domain, set *ValidatorSet) error {
	if err := signers.Check(set.Len()); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if !set.HasQuorum(signers) {
		return fmt.Errorf("%w: %d of %d needed", ErrQuorum, signers.Count(), set.Quorum())
	}
	members := signers.Members()
	if len(members) != len(sigs) {
		return fmt.Errorf("%w: %d signers and %d signatures", ErrMalformed, len(members), len(sigs))
	}
	preimage := v.Preimage(d)
	for i, m := range members {
		if err := verifyBy(sigs[i], preimage, set.Address(m)); err != nil {
			return fmt.Errorf("validator %d: %w", m, err)
		}
	}
	return nil
}

// NewCommitCertificate gathers COMMITs that say the same into a certificate.
// The votes must be of distinct senders, on one statement, and a quorum of n;
// extra ones beyond the quorum are kept: they cost little and show who took
// part.
func NewCommitCertificate(votes []*Vote, n int) *CommitCertificate {
	v := votes[0]
	c := &CommitCertificate{Epoch: v.Epoch, View: v.View, Seq: v.Seq, BatchDigest: v.Digest, BlockHash: v.BlockHash}
	c.Signers, c.Signatures = gather(votes, n)
	return c
}

// NewCheckpointCertificate does the same for CHECKPOINTs.
func NewCheckpointCertificate(votes []*Vote, n int) *CheckpointCertificate {
	v := votes[0]
	c := &CheckpointCertificate{Epoch: v.Epoch, Seq: v.Seq, BlockHash: v.BlockHash, StateRoot: v.StateRoot, NextSet: v.NextSet}
	c.Signers, c.Signatures = gather(votes, n)
	return c
}

// NewPreparedCertificate gathers PRE-PREPARE and PREPAREs for one header.
func NewPreparedCertificate(view View, header BatchHeader, votes []*Vote, n int) *PreparedCertificate {
	c := &PreparedCertificate{View: view, Header: header}
	for _, v := range ascending(votes, n) {
		c.Signatures = append(c.Signatures, PreparedSignature{Sender: v.Sender, Kind: uint8(v.Kind), Signature: v.Signature})
	}
	return c
}

func gather(votes []*Vote, n int) (Bitset, []Signature) {
	signers := NewBitset(n)
	var sigs []Signature
	for _, v := range ascending(votes, n) {
		signers.Set(int(v.Sender))
		sigs = append(sigs, v.Signature)
	}
	return signers, sigs
}

// ascending returns the votes by sender, one each.
func ascending(votes []*Vote, n int) []*Vote {
	bySender := make([]*Vote, n)
	for _, v := range votes {
		bySender[v.Sender] = v
	}
	out := make([]*Vote, 0, len(votes))
	for _, v := range bySender {
		if v != nil {
			out = append(out, v)
		}
	}
	return out
}
