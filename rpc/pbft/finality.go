package pbft

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/consensus/light"
)

// Transactions finds final transactions and reads their blocks. Receipts have all
// derived fields.
type Transactions interface {
	Lookup(txHash common.Hash) (number, index uint64, ok bool, err error)
	Block(number uint64) (*types.Block, error)
	Receipts(number uint64) (types.Receipts, error)
}

// FinalityProof returns what shows to anyone who has the genesis document, and
// nothing else, that a transaction is final, and with what result: see package
// consensus/light and "quorate verify". It is null for a transaction that is not
// final (yet).
func (a *API) FinalityProof(txHash common.Hash) (*light.Proof, error) {
	number, index, ok, err := a.d.Transactions.Lookup(txHash)
	if err != nil || !ok {
		return nil, err
	}
	s, err := a.d.Chain.Sealed(number)
	if err != nil {
		return nil, err
	}
	if s.Certificate == nil {
		return nil, fmt.Errorf("block %d is final without a certificate of its own", number)
	}
	block, err := a.d.Transactions.Block(number)
	if err != nil {
		return nil, err
	}
	receipts, err := a.d.Transactions.Receipts(number)
	if err != nil {
		return nil, err
	}
	links, err := a.d.Members.Links(s.Certificate.Epoch)
	if err != nil {
		return nil, err
	}
	return light.Prove(a.d.Genesis, links, s.Certificate, block, receipts, int(index))
}
