package chain

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/tracing"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/registry"
	"github.com/quorate/quorate/state"
)

// systemWrite returns what the chain itself writes into the state after the last
// transaction of a batch: who is suspended as primary.
func (c *Chain) systemWrite(h *consensus.BatchHeader) func(vm.StateDB, []*types.Transaction) {
	e := consensus.EpochOf(h.Seq, c.registry.Params().EpochLength)
	return func(db vm.StateDB, included []*types.Transaction) {
		set := c.registry.ValidatorSet(e)
		registry.RecordSuspensions(suspensionStorage{db}, h, set, c.registry.ValidatorSet(e+1), c.registry.Params(), c.convicted(included, e, set))
	}
}

// convicted returns the validators against whom the transactions carry evidence
// of epoch e, in order, each once. Only what validators themselves send to the
// system account is looked at, and no more than one piece of each of them: what
// strangers send there costs them gas and nobody anything.
func (c *Chain) convicted(included []*types.Transaction, e consensus.Epoch, set *consensus.ValidatorSet) []common.Address {
	var out []common.Address
	accusers := map[common.Address]bool{}
	for _, tx := range included {
		if to := tx.To(); to == nil || *to != genesis.SuspensionAccount {
			continue
		}
		from, err := types.Sender(c.signer, tx)
		if _, member := set.Index(from); err != nil || !member || accusers[from] {
			continue
		}
		accusers[from] = true
		ev, err := consensus.DecodeEvidence(tx.Data())
		if err != nil || ev.First.Epoch != e {
			continue
		}
		if _, err := ev.Verify(c.domain, set); err != nil {
			continue
		}
		if v := set.Address(int(ev.Offender)); !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// suspensionStorage is the storage of the system account, as the registry reads
// and writes it.
type suspensionStorage struct{ db vm.StateDB }

// Slot implements registry.Slots.
func (s suspensionStorage) Slot(key common.Hash) common.Hash {
	return s.db.GetState(genesis.SuspensionAccount, key)
}

// SetSlot implements registry.Storage. The first slot makes the account; its
// nonce keeps it, for without nonce, balance and code it would vanish as empty
// (EIP-161).
func (s suspensionStorage) SetSlot(key, value common.Hash) {
	if s.db.GetNonce(genesis.SuspensionAccount) == 0 {
		s.db.SetNonce(genesis.SuspensionAccount, 1, tracing.NonceChangeUnspecified)
	}
	s.db.SetState(genesis.SuspensionAccount, key, value)
}

// Suspended returns who may not be primary in epoch e, in ascending order, as
// the state says: ErrNotFound until the last block of epoch e−1 is final,
// *state.ErrPruned for a past epoch whose state is no longer kept. The present
// epoch and, at its last block, the next one need no history.
func (c *Chain) Suspended(e consensus.Epoch) ([]common.Address, error) {
	length := c.registry.Params().EpochLength
	opening, last := uint64(consensus.FirstSeq(e, length)-1), uint64(consensus.LastSeq(e, length))
	v, err := c.state.Latest()
	if err != nil {
		return nil, fmt.Errorf("chain: who is suspended in epoch %d: %w", e, err)
	}
	switch {
	case v.Number < opening:
		return nil, errors.Join(fmt.Errorf("%w: who is suspended in epoch %d is decided by block %d, the head is %d", ErrNotFound, e, opening, v.Number), v.Close())
	case v.Number > last:
		if err := v.Close(); err != nil {
			return nil, err
		}
		if v, err = c.state.At(last); err != nil {
			return nil, fmt.Errorf("chain: who is suspended in epoch %d: %w", e, err)
		}
	}
	return readSuspended(v, e)
}

// readSuspended reads from a view, and closes it.
func readSuspended(v *state.View, e consensus.Epoch) ([]common.Address, error) {
	out := registry.Suspended(suspensionStorage{v.StateDB}, e)
	if err := errors.Join(v.StateDB.Error(), v.Close()); err != nil {
		return nil, fmt.Errorf("chain: who is suspended in epoch %d: %w", e, err)
	}
	return out, nil
}
