package state

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	gstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/tracing"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"
	"github.com/quorate/quorate/store"
)

// StageGenesis writes the state of block 0 into the caller's batch. Its root
// must be the one that header names. After the batch has been applied: Publish.
func (s *State) StageGenesis(b *store.Batch, alloc types.GenesisAlloc, header *types.Header) (*Layer, error) {
	if head, ok := s.Head(); ok {
		return nil, fmt.Errorf("state: there is a block 0 already, the head is %d %x", head.Number, head.Hash)
	}
	if header.Number == nil || header.Number.Sign() != 0 {
		return nil, fmt.Errorf("state: block %v is not block 0", header.Number)
	}
	db := &overlay{base: newBase(nil, s.db, nil, s.code), root: types.EmptyRootHash}
	sdb, err := gstate.New(types.EmptyRootHash, db)
	if err != nil {
		return nil, fmt.Errorf("state: block 0: %w", err)
	}
	for addr, a := range alloc {
		if err := allocate(sdb, addr, a); err != nil {
			return nil, err
		}
	}
	// No rules: block 0 keeps accounts as they are listed, empty ones too.
	root, err := sdb.Commit(params.Rules{}, 0)
	if err != nil {
		return nil, fmt.Errorf("state: block 0: %w", err)
	}
	if root != header.Root {
		return nil, fmt.Errorf("state: the allocation has state root %x, the header of block 0 says %x", root, header.Root)
	}
	l := newLayer(common.Hash{}, db.base, db.update, false)
	l.Block = types.NewBlockWithHeader(header)
	past := history{era: eraLength(s.keep)}
	w := &stager{batch: b, layer: l}
	for _, write := range []func() error{w.accounts, w.slots, w.nodes, w.codes, func() error { return past.write(b) }, func() error { return trail{}.stage(b, s.proofs, 0) }} {
		if err := write(); err != nil {
			return nil, fmt.Errorf("state: stage block 0: %w", err)
		}
	}
	l.staged = w.rows
	s.mu.Lock()
	s.past = past
	s.mu.Unlock()
	return l, b.Set(store.HeadKey(), l.head().encode())
}

// allocate puts one account of the allocation into the state.
func allocate(sdb *gstate.StateDB, addr common.Address, a types.Account) error {
	if a.Balance != nil {
		balance, overflow := uint256.FromBig(a.Balance)
		if overflow || a.Balance.Sign() < 0 {
			return fmt.Errorf("state: the balance %v of %v in the allocation is no number of 256 bits", a.Balance, addr)
		}
		sdb.AddBalance(addr, balance, tracing.BalanceIncreaseGenesisBalance)
	}
	sdb.SetCode(addr, a.Code, tracing.CodeChangeGenesis)
	sdb.SetNonce(addr, a.Nonce, tracing.NonceChangeGenesis)
	for key, value := range a.Storage {
		sdb.SetState(addr, key, value)
	}
	return nil
}
