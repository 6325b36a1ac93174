package consensus

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// EpochRules are what an epoch is decided by: who votes, who of them is never
// primary, the parameters, and where it begins. They are fixed by the state
// after the last block of the epoch before, and immutable.
type EpochRules struct {
	Epoch     Epoch
	First     Seq // 1 for epoch 0
	Set       *ValidatorSet
	Suspended []common.Address // members of Set, ascending
	Params    Params
}

// Last returns the last sequence number of the epoch, the one whose CHECKPOINT
// ends it.
func (e *EpochRules) Last() Seq { return e.First + Seq(e.Params.EpochLength) - 1 }

// Owns reports whether the epoch decides seq.
func (e *EpochRules) Owns(seq Seq) bool { return seq >= e.First && seq <= e.Last() }

// Schedule returns who is primary in the epoch's view 0.
func (e *EpochRules) Schedule() *Schedule {
	return NewSchedule(e.Set, e.Suspended, e.Epoch, e.Params.PrimarySpan, e.First)
}

// Hash returns keccak256(abi.encode(uint256 epoch, address[] set, address[]
// suspended, bytes32 params)): what the CHECKPOINT of the epoch before signs
// about the epoch. First is not in it: the CHECKPOINT's own sequence number is
// the one before.
func (e *EpochRules) Hash() common.Hash {
	return NextSetHash(e.Epoch, e.Set, e.Suspended, e.Params.Hash())
}

// NextSetHash is EpochRules.Hash for those who have no parameters but their
// hash. Both lists are in ascending order.
func NextSetHash(epoch Epoch, set *ValidatorSet, suspended []common.Address, params common.Hash) common.Hash {
	list := set.Addresses()
	const head = 4 * 32
	w := make(words, 0, head+(2+len(list)+len(suspended))*32)
	w = w.uint(uint64(epoch)).uint(head).uint(head + 32*uint64(1+len(list))).hash(params)
	for _, part := range [][]common.Address{list, suspended} {
		w = w.uint(uint64(len(part)))
		for _, a := range part {
			w = w.address(a)
		}
	}
	return crypto.Keccak256Hash(w)
}

// Hash returns keccak256(abi.encode(uint256, …)) of the parameters in the order
// of the type's fields.
func (p Params) Hash() common.Hash {
	all := [...]uint64{
		p.EpochLength, p.PipelineDepth, p.PrimarySpan, p.BaseTimeoutMs, p.MaxTimeoutMs,
		p.StatusIntervalMs, p.IdleStatusIntervalMs, p.BlockGasLimit, p.MaxBatchTransactions,
		p.MaxBatchBytes, p.ClockDriftMs, p.EmptyBlockMs, p.MinGasPrice,
	}
	w := make(words, 0, len(all)*32)
	for _, x := range all {
		w = w.uint(x)
	}
	return crypto.Keccak256Hash(w)
}
