package ots

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	gethmath "github.com/ethereum/go-ethereum/common/math"
	gstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/state"
)

// HasCode tells whether an account has code after a block.
func (a *API) HasCode(addr common.Address, at rpc.Number) (bool, error) {
	head := a.Chain.Head().Number.Uint64()
	number := at.At(head)
	if number > head {
		return false, errors.New("header not found")
	}
	return a.holds(number, func(db *gstate.StateDB) bool { return db.GetCodeSize(addr) > 0 })
}

// holds asks a question of the state after a block.
func (a *API) holds(number uint64, question func(*gstate.StateDB) bool) (bool, error) {
	db, release, err := a.StateAt(number)
	if err != nil {
		return false, err
	}
	defer release()
	answer := question(db)
	return answer, db.Error()
}

// first returns the first block after which something holds, which then holds for
// ever; ok is false if it does not hold yet. If it held already in the oldest state
// that is kept, the error is that state's *state.ErrPruned.
func (a *API) first(ctx context.Context, question func(*gstate.StateDB) bool) (number uint64, ok bool, err error) {
	high := a.Chain.Head().Number.Uint64()
	if ok, err = a.holds(high, question); err != nil || !ok {
		return 0, false, err
	}
	low, pruned := uint64(0), (*state.ErrPruned)(nil)
	ok, err = a.holds(low, question)
	if errors.As(err, &pruned) {
		low = pruned.Oldest
		ok, err = a.holds(low, question)
	}
	switch {
	case err != nil:
		return 0, false, err
	case ok && pruned != nil:
		return 0, false, fmt.Errorf("it was before block %d: %w", low, pruned)
	case ok:
		return 0, true, nil
	}
	for low+1 < high { // not after low, but after high
		if err := ctx.Err(); err != nil {
			return 0, false, err
		}
		middle := low + (high-low)/2
		if ok, err = a.holds(middle, question); err != nil {
			return 0, false, err
		}
		if ok {
			high = middle
		} else {
			low = middle
		}
	}
	return high, true, nil
}

// GetTransactionBySenderAndNonce returns the hash of the final transaction with this
// sender and nonce, or null.
func (a *API) GetTransactionBySenderAndNonce(ctx context.Context, sender common.Address, nonce gethmath.HexOrDecimal64) (*common.Hash, error) {
	if hash, done, err := a.indexedNonce(sender, uint64(nonce)); done || err != nil {
		return hash, err
	}
	number, ok, err := a.first(ctx, func(db *gstate.StateDB) bool { return db.GetNonce(sender) > uint64(nonce) })
	if err != nil || !ok || number == 0 {
		return nil, err
	}
	block, err := a.Chain.Block(number)
	if err != nil {
		return nil, err
	}
	signer := a.signerAt(block)
	for _, tx := range block.Transactions() {
		if tx.Nonce() != uint64(nonce) {
			continue
		}
		if from, err := types.Sender(signer, tx); err == nil && from == sender {
			hash := tx.Hash()
			return &hash, nil
		}
	}
	return nil, nil // an authorization or a creation took the nonce
}

// Creator is what made a contract.
type Creator struct {
	Hash    common.Hash    `json:"hash"`    // of the transaction
	Creator common.Address `json:"creator"` // its sender, or the contract that ran CREATE
}

// GetContractCreator returns the transaction that made a contract, and by whom; null
// for what is no contract, was in block 0, or has destroyed itself.
func (a *API) GetContractCreator(ctx context.Context, addr common.Address) (*Creator, error) {
	if c, done, err := a.indexedCreator(addr); done || err != nil {
		return c, err
	}
	number, ok, err := a.first(ctx, func(db *gstate.StateDB) bool {
		code := db.GetCode(addr)
		_, delegated := types.ParseDelegation(code) // an EIP-7702 account is no contract
		return len(code) > 0 && !delegated
	})
	if err != nil || !ok || number == 0 {
		return nil, err
	}
	block, err := a.Chain.Block(number)
	if err != nil {
		return nil, err
	}
	receipts, err := a.receipts(block)
	if err != nil {
		return nil, err
	}
	for i, r := range receipts {
		if r.ContractAddress == addr && r.Status == types.ReceiptStatusSuccessful {
			from, err := types.Sender(a.signerAt(block), block.Transactions()[i])
			return &Creator{r.TxHash, from}, err
		}
	}
	return a.creatorIn(ctx, number, addr)
}

// creatorIn looks for a creation among the calls of a block.
func (a *API) creatorIn(ctx context.Context, number uint64, addr common.Address) (*Creator, error) {
	result, err := a.Tracer.TraceBlockByNumber(ctx, gethrpc.BlockNumber(number), callTracer())
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(result) // its type is go-ethereum's own
	if err != nil {
		return nil, err
	}
	var traces []struct {
		Hash common.Hash `json:"txHash"`
		Top  frame       `json:"result"`
	}
	if err := json.Unmarshal(raw, &traces); err != nil {
		return nil, err
	}
	var found *Creator
	for i := range traces {
		traces[i].Top.lasting(func(f *frame) {
			if found == nil && f.To == addr && (f.Type == "CREATE" || f.Type == "CREATE2") {
				found = &Creator{traces[i].Hash, f.From}
			}
		})
	}
	return found, nil
}
