package consensus

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
)

// Kind is the type of a vote; its number is part of what is signed.
type Kind uint8

// The six votes, in the order of docs/protocol.md §4.
const (
	PrePrepare Kind = iota + 1
	Prepare
	Commit
	Checkpoint
	ViewChange
	NewView
)

var kindNames = [...]string{PrePrepare: "PRE-PREPARE", Prepare: "PREPARE", Commit: "COMMIT", Checkpoint: "CHECKPOINT", ViewChange: "VIEW-CHANGE", NewView: "NEW-VIEW"}

// String returns the paper's name of the kind.
func (k Kind) String() string {
	if k.Valid() {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Valid reports whether k is one of the six.
func (k Kind) Valid() bool { return k >= PrePrepare && k <= NewView }

// Vote is one signed statement of one validator. Which fields count depends on
// the kind; the others are zero and neither signed nor encoded.
type Vote struct {
	Kind   Kind
	Epoch  Epoch
	Sender uint64 // index in the epoch's validator set

	View      View        // all but CHECKPOINT
	Seq       Seq         // PRE-PREPARE, PREPARE, COMMIT, CHECKPOINT
	Digest    common.Hash // PRE-PREPARE, PREPARE, COMMIT: batch digest
	BlockHash common.Hash // COMMIT, CHECKPOINT
	StateRoot common.Hash // CHECKPOINT
	NextSet   common.Hash // CHECKPOINT: EpochRules.Hash of the epoch that follows

	Change  *ViewChangeBody // VIEW-CHANGE
	NewView *NewViewBody    // NEW-VIEW

	Signature Signature
}

// Domain binds signatures to one network.
type Domain struct {
	ChainID uint64
	Genesis common.Hash
}

// voteTag is the first word of every vote's preimage.
var voteTag = crypto.Keccak256Hash([]byte("quorate/vote/1"))

// Preimage returns the words that the sender signs, as Solidity's abi.encode
// lays them out: keccak256("quorate/vote/1"), chain id, genesis hash, kind,
// epoch, then the fields of the kind. VIEW-CHANGE and NEW-VIEW sign the hash
// of their encoded body.
func (v *Vote) Preimage(d Domain) []byte {
	w := make(words, 0, 9*32)
	w = w.hash(voteTag).uint(d.ChainID).hash(d.Genesis).uint(uint64(v.Kind)).uint(uint64(v.Epoch))
	switch v.Kind {
	case PrePrepare, Prepare:
		return w.uint(uint64(v.View)).uint(uint64(v.Seq)).hash(v.Digest)
	case Commit:
		return w.uint(uint64(v.View)).uint(uint64(v.Seq)).hash(v.Digest).hash(v.BlockHash)
	case Checkpoint:
		return w.uint(uint64(v.Seq)).hash(v.BlockHash).hash(v.StateRoot).hash(v.NextSet)
	case ViewChange:
		return w.hash(v.Change.Digest())
	case NewView:
		return w.hash(v.NewView.Digest())
	}
	panic(fmt.Sprintf("consensus: preimage of a vote of %s", v.Kind)) // decoders refuse other kinds
}

// SameStatement reports whether two votes of one place say the same: equal in
// every signed field. Another signature makes no other statement.
func (v *Vote) SameStatement(o *Vote) bool {
	var d Domain
	return v.Kind == o.Kind && v.Epoch == o.Epoch && v.Sender == o.Sender &&
		string(v.Preimage(d)) == string(o.Preimage(d))
}

// words is a preimage under construction.
type words []byte

func (w words) hash(h common.Hash) words { return append(w, h[:]...) }

func (w words) address(a common.Address) words {
	return append(append(w, make([]byte, 12)...), a[:]...)
}

func (w words) uint(x uint64) words {
	return binary.BigEndian.AppendUint64(append(w, make([]byte, 24)...), x)
}

// The encoded bodies, one struct per shape.
type (
	orderBody struct {
		View   View
		Seq    Seq
		Digest common.Hash
	}
	commitBody struct {
		View              View
		Seq               Seq
		Digest, BlockHash common.Hash
	}
	checkpointBody struct {
		Seq                           Seq
		BlockHash, StateRoot, NextSet common.Hash
	}
	voteEnvelope struct {
		Kind      uint8
		Epoch     Epoch
		Sender    uint64
		Body      rlp.RawValue
		Signature Signature
	}
)

// Encode returns the canonical RLP of a vote: [kind, epoch, sender, body,
// signature].
func (v *Vote) Encode() []byte {
	env := voteEnvelope{Kind: uint8(v.Kind), Epoch: v.Epoch, Sender: v.Sender, Signature: v.Signature}
	env.Body = mustEncode(v.body())
	return mustEncode(&env)
}

func (v *Vote) body() any {
	switch v.Kind {
	case PrePrepare, Prepare:
		return &orderBody{v.View, v.Seq, v.Digest}
	case Commit:
		return &commitBody{v.View, v.Seq, v.Digest, v.BlockHash}
	case Checkpoint:
		return &checkpointBody{v.Seq, v.BlockHash, v.StateRoot, v.NextSet}
	case ViewChange:
		return v.Change
	case NewView:
		return v.NewView
	}
	panic(fmt.Sprintf("consensus: encoding a vote of %s", v.Kind))
}

// EncodeRLP implements rlp.Encoder with Encode's bytes.
func (v *Vote) EncodeRLP(w io.Writer) error {
	_, err := w.Write(v.Encode())
	return err
}

// DecodeRLP implements rlp.Decoder; it is as strict as DecodeVote.
func (v *Vote) DecodeRLP(s *rlp.Stream) error {
	raw, err := s.Raw()
	if err != nil {
		return err
	}
	got, err := DecodeVote(raw)
	if err != nil {
		return err
	}
	*v = *got
	return nil
}

// DecodeVote decodes one vote and nothing else. It checks form only: the
// signature is not looked at.
func DecodeVote(data []byte) (*Vote, error) {
	var env voteEnvelope
	if err := rlp.DecodeBytes(data, &env); err != nil {
		return nil, fmt.Errorf("vote: %w", err)
	}
	v := &Vote{Kind: Kind(env.Kind), Epoch: env.Epoch, Sender: env.Sender, Signature: env.Signature}
	if !v.Kind.Valid() {
		return nil, fmt.Errorf("vote: kind %d does not exist, 1 … 6 do", env.Kind)
	}
	if err := v.decodeBody(env.Body); err != nil {
		return nil, fmt.Errorf("%s body: %w", v.Kind, err)
	}
	return v, nil
}

func (v *Vote) decodeBody(raw []byte) error {
	switch v.Kind {
	case PrePrepare, Prepare:
		var b orderBody
		err := rlp.DecodeBytes(raw, &b)
		v.View, v.Seq, v.Digest = b.View, b.Seq, b.Digest
		return err
	case Commit:
		var b commitBody
		err := rlp.DecodeBytes(raw, &b)
		v.View, v.Seq, v.Digest, v.BlockHash = b.View, b.Seq, b.Digest, b.BlockHash
		return err
	case Checkpoint:
		var b checkpointBody
		err := rlp.DecodeBytes(raw, &b)
		v.Seq, v.BlockHash, v.StateRoot, v.NextSet = b.Seq, b.BlockHash, b.StateRoot, b.NextSet
		return err
	case ViewChange:
		v.Change = new(ViewChangeBody)
		err := rlp.DecodeBytes(raw, v.Change)
		v.View = v.Change.View
		return err
	default:
		v.NewView = new(NewViewBody)
		err := rlp.DecodeBytes(raw, v.NewView)
		v.View = v.NewView.View
		return err
	}
}

func mustEncode(v any) []byte {
	enc, err := rlp.EncodeToBytes(v)
	if err != nil {
		panic(fmt.Sprintf("consensus: encoding %T: %v", v, err)) // our own types always encode
	}
	return enc
}
