package pbft

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/light"
	"github.com/quorate/quorate/rpc"
)

// Certificate is the answer of pbft_commitCertificate.
type Certificate struct {
	Number      uint64           `json:"number"`
	Epoch       uint64           `json:"epoch"`
	View        uint64           `json:"view"`
	Seq         uint64           `json:"seq"`
	BatchDigest common.Hash      `json:"batchDigest"`
	BlockHash   common.Hash      `json:"blockHash"`
	Validators  []common.Address `json:"validators"` // of the epoch, in index order
	Signers     hexutil.Bytes    `json:"signers"`    // bit i of the little-endian bytes is validator i
	Signatures  []hexutil.Bytes  `json:"signatures"` // one per signer, ascending by index
	Header      hexutil.Bytes    `json:"header"`     // RLP
	BatchHeader hexutil.Bytes    `json:"batchHeader"`
}

// CommitCertificate returns what proves that a block is final: null for a block
// that is not there (yet), and for block 0, which genesis proves.
func (a *API) CommitCertificate(number rpc.Number) (*Certificate, error) {
	head := a.d.Chain.Head().Number.Uint64()
	n := number.At(head)
	if n == 0 || n > head {
		return nil, nil
	}
	s, err := a.d.Chain.Sealed(n)
	if err != nil || s == nil || s.Certificate == nil {
		return nil, err
	}
	return Show(n, s, a.validators(s.Certificate.Epoch))
}

// SetChanges returns the changes of the validator set up to the epoch of a block, oldest
// first, each with what proves it. Who follows them from genesis knows whose signatures
// the block's certificate needs, also where no transaction, and so no finality proof, is
// near. Epochs that keep the set are left out, and what a recovery has made needless is,
// too. A block whose epoch has not begun is an error.
func (a *API) SetChanges(number rpc.Number) ([]light.Link, error) {
	n := a.at(number)
	if n == 0 {
		return []light.Link{}, nil // genesis decides
	}
	e, err := a.d.Members.EpochOf(n)
	if err != nil {
		return nil, err
	}
	if e == nil {
		return nil, rpc.InvalidParams("the epoch of block %d has not begun: the head is block %d", n, a.d.Chain.Head().Number)
	}
	links, err := a.d.Members.Links(e.Epoch)
	if err != nil {
		return nil, err
	}
	return append([]light.Link{}, links...), nil // none is a list, too
}

// Show returns what proves a block, signed by validators of this list.
func Show(number uint64, s *Sealed, validators []common.Address) (*Certificate, error) {
	header, err := rlp.EncodeToBytes(s.Header)
	if err != nil {
		return nil, fmt.Errorf("encoding header %d: %w", number, err)
	}
	batch, err := rlp.EncodeToBytes(s.BatchHeader)
	if err != nil {
		return nil, fmt.Errorf("encoding batch header %d: %w", number, err)
	}
	c := s.Certificate
	return &Certificate{
		Number: number, Epoch: uint64(c.Epoch), View: uint64(c.View), Seq: uint64(c.Seq),
		BatchDigest: c.BatchDigest, BlockHash: c.BlockHash, Validators: validators,
		Signers: hexutil.Bytes(c.Signers), Signatures: signatures(c.Signatures),
		Header: header, BatchHeader: batch,
	}, nil
}

// validators returns the addresses of an epoch in index order.
func (a *API) validators(e consensus.Epoch) []common.Address {
	if set := a.setOf(e); set != nil {
		return set.Addresses()
	}
	return []common.Address{}
}

func signatures(list []consensus.Signature) []hexutil.Bytes {
	out := make([]hexutil.Bytes, len(list))
	for i := range list {
		out[i] = list[i][:]
	}
	return out
}

// Checkpoint is the answer of pbft_stableCheckpoint.
type Checkpoint struct {
	Epoch      uint64           `json:"epoch"`      // that it ends
	Seq        uint64           `json:"seq"`        // the last of the epoch
	BlockHash  common.Hash      `json:"blockHash"`  // of that block
	StateRoot  common.Hash      `json:"stateRoot"`  // after it
	NextSet    common.Hash      `json:"nextSet"`    // keccak256(abi.encode(epoch + 1, its validators, those suspended, its params)): see pbft_validators
	Validators []common.Address `json:"validators"` // of the epoch, in index order
	Signers    hexutil.Bytes    `json:"signers"`    // bit i of the little-endian bytes is validator i
	Signatures []hexutil.Bytes  `json:"signatures"` // one per signer, ascending by index
}

// StableCheckpoint returns the last stable checkpoint: a quorum signed that the
// block that ends an epoch, and its state, are durable. It is null before the
// first.
func (a *API) StableCheckpoint() (*Checkpoint, error) {
	c, err := a.d.History.StableCheckpoint()
	if err != nil || c == nil {
		return nil, err
	}
	return &Checkpoint{
		Epoch: uint64(c.Epoch), Seq: uint64(c.Seq), BlockHash: c.BlockHash, StateRoot: c.StateRoot, NextSet: c.NextSet,
		Validators: a.validators(c.Epoch), Signers: hexutil.Bytes(c.Signers), Signatures: signatures(c.Signatures),
	}, nil
}
