package pbft

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/consensus"
)

// Reporter tells what the replica does. Safe for concurrent use.
type Reporter interface{ Report() consensus.Report }

// Sealed is a final block's header with what proves it. The certificate is nil
// when a later block's proves it, too.
type Sealed struct {
	Header      *types.Header
	BatchHeader *consensus.BatchHeader
	Certificate *consensus.CommitCertificate
}

// Certificates reads what proves final blocks. Safe for concurrent use.
type Certificates interface {
	Head() *types.Header
	Sealed(number uint64) (*Sealed, error) // for 1 up to the head
}

// Sets tells who the validators of an epoch are, nil if that is not known.
type Sets interface {
	ValidatorSet(epoch consensus.Epoch) *consensus.ValidatorSet
}

// API has one method per pbft_ method; register it as "pbft".
type API struct {
	reporter Reporter
	chain    Certificates
	sets     Sets
}

// New returns the methods.
func New(reporter Reporter, chain Certificates, sets Sets) *API {
	return &API{reporter, chain, sets}
}

// Status is the answer of pbft_status.
type Status struct {
	Self       common.Address    `json:"self"` // zero for an observer
	View       uint64            `json:"view"`
	Epoch      uint64            `json:"epoch"`
	Primary    common.Address    `json:"primary"` // of the next sequence number
	IsPrimary  bool              `json:"isPrimary"`
	Mode       string            `json:"mode"`
	Committed  uint64            `json:"committed"` // the last final block
	Stable     uint64            `json:"stable"`    // the last stable checkpoint
	Window     Window            `json:"window"`
	Validators []ValidatorStatus `json:"validators"` // in index order
	F          int               `json:"f"`
	Quorum     int               `json:"quorum"`
	Line       string            `json:"line"`           // all of it in one line, as in logs
	Halt       string            `json:"halt,omitempty"` // why the replica stopped voting for good
}

// Window is where the replica votes: above low, up to high.
type Window struct {
	Low  uint64 `json:"low"`
	High uint64 `json:"high"`
}

// ValidatorStatus is what this node knows of a validator.
type ValidatorStatus struct {
	Address   common.Address `json:"address"`
	Connected bool           `json:"connected"`
	Epoch     uint64         `json:"epoch"`
	View      uint64         `json:"view"`
	Mode      string         `json:"mode"`
	Committed uint64         `json:"committed"`
}

// Status returns what the replica of this node does.
func (a *API) Status() *Status {
	r := a.reporter.Report()
	out := &Status{
		Self: r.Self, View: uint64(r.View), Epoch: uint64(r.Epoch), Primary: r.Primary, IsPrimary: r.IsPrimary,
		Mode: r.Mode.String(), Committed: uint64(r.Committed), Stable: uint64(r.Stable),
		Window: Window{uint64(r.WindowLow), uint64(r.WindowHigh)}, F: r.F, Quorum: r.Quorum, Line: r.Line, Halt: r.Halt,
		Validators: make([]ValidatorStatus, len(r.Validators)),
	}
	for i, v := range r.Validators {
		out.Validators[i] = ValidatorStatus{v.Address, v.Connected, uint64(v.Epoch), uint64(v.View), v.Mode.String(), uint64(v.Committed)}
	}
	return out
}

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
func (a *API) CommitCertificate(number Number) (*Certificate, error) {
	head := a.chain.Head().Number.Uint64()
	n := uint64(number)
	if number == Latest {
		n = head
	}
	if n == 0 || n > head {
		return nil, nil
	}
	s, err := a.chain.Sealed(n)
	if err != nil || s == nil || s.Certificate == nil {
		return nil, err
	}
	return a.show(n, s)
}

func (a *API) show(number uint64, s *Sealed) (*Certificate, error) {
	header, err := rlp.EncodeToBytes(s.Header)
	if err != nil {
		return nil, fmt.Errorf("encoding header %d: %w", number, err)
	}
	batch, err := rlp.EncodeToBytes(s.BatchHeader)
	if err != nil {
		return nil, fmt.Errorf("encoding batch header %d: %w", number, err)
	}
	c := s.Certificate
	out := &Certificate{
		Number: number, Epoch: uint64(c.Epoch), View: uint64(c.View), Seq: uint64(c.Seq),
		BatchDigest: c.BatchDigest, BlockHash: c.BlockHash, Validators: []common.Address{},
		Signers: hexutil.Bytes(c.Signers), Signatures: make([]hexutil.Bytes, len(c.Signatures)),
		Header: header, BatchHeader: batch,
	}
	for i := range c.Signatures {
		out.Signatures[i] = c.Signatures[i][:]
	}
	if set := a.sets.ValidatorSet(c.Epoch); set != nil {
		for i := range set.Len() {
			out.Validators = append(out.Validators, set.Address(i))
		}
	}
	return out, nil
}
