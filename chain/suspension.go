package chain

import (
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/tracing"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/genesis"
)

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
