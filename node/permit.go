package node

import (
	"sync/atomic"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/registry"
	"github.com/quorate/quorate/state"
)

// permits answers the pool's question who may send what, from the state of the
// head. Execution asks again, in the state inside the block.
type permits struct {
	state *state.State
	last  atomic.Pointer[headGate]
}

// headGate is what the state of one head says about all transactions alike.
type headGate struct {
	head common.Hash
	gate registry.Gate
}

// check implements txpool.Config.Permit. While everybody may send everything it
// reads nothing but once per head.
func (p *permits) check(from common.Address, tx *types.Transaction) error {
	var failed error
	read := func(account common.Address, key common.Hash) common.Hash {
		word, err := p.state.Slot(account, key)
		if err != nil {
			failed = err
		}
		return word
	}
	head, _ := p.state.Head()
	last := p.last.Load()
	if last == nil || last.head != head.Hash {
		last = &headGate{head.Hash, registry.ReadGate(read)}
		if failed != nil {
			return failed
		}
		p.last.Store(last)
	}
	if last.gate.Admits(tx.Gas()) {
		return nil
	}
	if err := registry.CheckTransaction(read, from, tx.To(), tx.Gas()); failed == nil {
		return err
	}
	return failed
}
