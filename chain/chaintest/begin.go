package chaintest

import (
	"context"
	"errors"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/state"
	"github.com/quorate/quorate/store"
)

// Begin brings a node at block 0 to the newest stable checkpoint of another, whose
// head must be its block, as a state sync does.
func Begin(from, to *Node) error {
	last, before := from.Chain.Checkpoints()
	p, err := from.Chain.NewPivot(last, before)
	if err != nil {
		return err
	}
	data, err := from.Chain.EncodedRecent(p)
	if err != nil {
		return err
	}
	if p, err = chain.DecodePivot(p.Encode()); err != nil {
		return err
	}
	a, err := to.Chain.VerifyPivot(p)
	if err != nil {
		return err
	}
	recent, err := to.Chain.VerifyRecent(a, data)
	if err != nil {
		return err
	}
	ctx := context.Background()
	if err := errors.Join(copyState(from.State, to.DB), state.Rebuild(ctx, to.DB, a.Root, nil), to.Chain.StagePivot(a, recent)); err != nil {
		return err
	}
	rows, err := to.DB.PrepareAdoption(ctx, state.Replaced)
	if err != nil {
		return err
	}
	return to.Chain.Adopt(ctx, rows)
}

// copyState stages the state at the head of one node at another.
func copyState(from *state.State, to *store.DB) (err error) {
	e, err := from.Export()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	b := to.NewStagedBatch()
	defer b.Close()
	const all = 1 << 30
	r, err := e.Accounts(common.Hash{}, all)
	if err != nil {
		return err
	}
	accounts, _, err := state.VerifyAccounts(e.Root, common.Hash{}, r)
	if err != nil {
		return err
	}
	for i, a := range accounts {
		if a.Root != types.EmptyRootHash {
			slots, err := e.Slots(r.Keys[i], common.Hash{}, all)
			if err == nil {
				err = state.StageSlots(b, r.Keys[i], slots)
			}
			if err != nil {
				return err
			}
		}
		if hash := common.BytesToHash(a.CodeHash); hash != types.EmptyCodeHash {
			if err := state.StageCode(b, hash, e.Code(hash)); err != nil {
				return err
			}
		}
	}
	if err := state.StageAccounts(b, r.Keys, accounts, common.MaxHash); err != nil {
		return err
	}
	return to.Apply(b, true)
}
