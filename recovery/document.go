package recovery

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/genesis"
)

// MaxEndpoint bounds an endpoint, in bytes: the system contract holds no longer one.
const MaxEndpoint = 256

// ErrForm is a document that says what no recovery can say.
var ErrForm = errors.New("this is no recovery document")

// Document is a recovery with its signatures. Its methods do not change it but for
// Sign and Merge; it is not safe for concurrent use while those run.
type Document struct {
	Genesis    common.Hash // hash of block 0
	Ends       consensus.Epoch
	Number     consensus.Seq // of the last block of that epoch, 1 or above
	BlockHash  common.Hash
	StateRoot  common.Hash
	Params     common.Hash // hash of the protocol parameters, which stay as they are
	Members    []Member    // from the next epoch on, by ascending address
	Signatures []Signature // by ascending address
}

// Member is one validator of the new set, as the system contract has it.
type Member struct {
	Address  common.Address
	NodeID   []byte // libp2p peer id, as the system contract holds it
	Name     string // for people; may be empty
	Endpoint string // host:port or multiaddr, a hint; may be empty
}

// Signature is one recovery key's.
type Signature struct {
	By        common.Address
	Signature consensus.Signature
}

// Check reports what is wrong with the form of the document, whoever signed it.
func (d *Document) Check() error {
	if d.Number == 0 {
		return fmt.Errorf("%w: it ends the epoch with block 0: a network without blocks is made anew", ErrForm)
	}
	addresses := make([]common.Address, len(d.Members))
	owners := map[string]common.Address{}
	for i := range d.Members {
		m := &d.Members[i]
		addresses[i] = m.Address
		if err := m.check(); err != nil {
			return fmt.Errorf("%w: validator %s: %w", ErrForm, m.Address, err)
		}
		if by, taken := owners[string(m.NodeID)]; taken {
			return fmt.Errorf("%w: validators %s and %s have the same node id", ErrForm, by, m.Address)
		}
		owners[string(m.NodeID)] = m.Address
	}
	set, err := consensus.NewValidatorSet(addresses)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrForm, err)
	}
	if !slices.Equal(set.Addresses(), addresses) {
		return fmt.Errorf("%w: the validators are not in ascending order", ErrForm)
	}
	return nil
}

func (m *Member) check() error {
	if err := genesis.CheckNodeID(genesis.NodeIDString(m.NodeID)); err != nil {
		return err
	}
	if err := genesis.CheckName(m.Name); err != nil {
		return err
	}
	if len(m.Endpoint) > MaxEndpoint {
		return fmt.Errorf("its endpoint has %d bytes, at most %d are right", len(m.Endpoint), MaxEndpoint)
	}
	if m.Endpoint == "" {
		return nil
	}
	_, err := genesis.Multiaddr(m.Endpoint)
	return err
}

// Order brings the members into the order of the set.
func (d *Document) Order() {
	slices.SortFunc(d.Members, func(a, b Member) int { return bytes.Compare(a.Address[:], b.Address[:]) })
}

// Set returns the new validator set. The document must pass Check.
func (d *Document) Set() *consensus.ValidatorSet {
	list := make([]common.Address, len(d.Members))
	for i, m := range d.Members {
		list[i] = m.Address
	}
	set, err := consensus.NewValidatorSet(list)
	if err != nil {
		panic(fmt.Sprintf("recovery: the set of an unchecked document: %v", err))
	}
	return set
}

// Opens returns the epoch that begins with the block after Number.
func (d *Document) Opens() consensus.Epoch { return d.Ends + 1 }

// First returns the number of that block.
func (d *Document) First() consensus.Seq { return d.Number + 1 }

// Statement returns what is signed. The document must pass Check.
func (d *Document) Statement() *Statement {
	enc, err := rlp.EncodeToBytes(d.Members)
	if err != nil {
		panic(fmt.Sprintf("recovery: encoding members: %v", err)) // bytes and strings
	}
	return &Statement{
		Ends: d.Ends, Number: d.Number, BlockHash: d.BlockHash, StateRoot: d.StateRoot,
		NextSet: consensus.NextSetHash(d.Opens(), d.Set(), nil, d.Params), Details: crypto.Keccak256Hash(enc),
	}
}

// Digest names the recovery, whoever has signed it. The document must pass Check.
func (d *Document) Digest(in consensus.Domain) common.Hash { return d.Statement().Digest(in) }
