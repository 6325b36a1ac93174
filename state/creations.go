package state

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/tracing"
	"github.com/ethereum/go-ethereum/core/types/bal"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/params"
)

// Creation says that a transaction has made a contract.
type Creation struct {
	Tx        int // index in the block
	Contract  common.Address
	Creator   common.Address // sender, or the contract that ran CREATE or CREATE2
	Destroyed bool           // by itself, in the same transaction: it was not there at its end
}

// witness sees the contracts that transactions make, where the EVM tells the state of
// them: a tracer would cost every instruction something. The EVM raises the
// creator's nonce just before it makes the account.
type witness struct {
	occupied
	creator common.Address
	tried   []Creation // by the present transaction, also what it reverts
	made    []Creation
}

// SetNonce implements vm.StateDB.
func (w *witness) SetNonce(addr common.Address, nonce uint64, why tracing.NonceChangeReason) {
	if why == tracing.NonceChangeContractCreator {
		w.creator = addr
	}
	w.occupied.SetNonce(addr, nonce, why)
}

// Finalise implements vm.StateDB. It ends each transaction, and clears the marks of what
// destroys itself; what was reverted has none.
func (w *witness) Finalise(rules params.Rules) *bal.ConstructionBlockAccessList {
	for i := range w.tried {
		w.tried[i].Destroyed = w.sdb.HasSelfDestructed(w.tried[i].Contract)
	}
	return w.occupied.Finalise(rules)
}

// CreateContract implements vm.StateDB.
func (w *witness) CreateContract(addr common.Address) {
	w.tried = append(w.tried, Creation{Contract: addr, Creator: w.creator})
	w.occupied.CreateContract(addr)
}

// ended keeps what the index-th transaction of the block has made. A contract has a
// nonce from its beginning, and none if it was reverted.
func (w *witness) ended(index int) {
	var seen map[common.Address]bool
	if len(w.tried) > 1 { // an address can be tried again after it was reverted
		seen = make(map[common.Address]bool, len(w.tried))
	}
	for _, c := range w.tried {
		if seen[c.Contract] || !c.Destroyed && w.sdb.GetNonce(c.Contract) == 0 {
			continue
		}
		if seen != nil {
			seen[c.Contract] = true
		}
		c.Tx = index
		w.made = append(w.made, c)
	}
	w.tried = w.tried[:0]
}

// skipped forgets the present transaction.
func (w *witness) skipped() { w.tried = w.tried[:0] }

var _ vm.StateDB = (*witness)(nil)
