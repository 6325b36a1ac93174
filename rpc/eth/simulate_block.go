package eth

import (
	"context"
	"encoding/json"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/trie"

	"github.com/quorate/quorate/rpc/ethjson"
)

// simulatedBlock is one block on its way.
type simulatedBlock struct {
	*simulation
	header   *types.Header
	evm      *vm.EVM
	rules    params.Rules
	gas      *core.GasPool // left in this block
	recorder *recorder
	blobGas  uint64
	txs      []*types.Transaction
	callers  map[*types.Transaction]common.Address
	receipts []*types.Receipt
	results  []ethjson.Call
}

// block runs a block whose parent has been run, and returns it as JSON with its
// final header.
func (s *simulation) block(ctx context.Context, p *planned) (json.RawMessage, *types.Header, error) {
	overrides := p.input.Overrides
	env := s.api.blockContext(p.header, overrides)
	env.GetHash = s.hashOf
	rules := s.api.cfg.Rules(p.header.Number, env.Random != nil, p.header.Time)
	precompiles := vm.ActivePrecompiledContracts(rules)
	if err := p.input.State.apply(s.db, precompiles); err != nil {
		return nil, nil, err
	}
	rec := &recorder{header: p.header, transfers: s.transfers}
	evm := s.api.newEVM(env, s.db, vm.Config{NoBaseFee: !s.validate, Tracer: rec.hooks()})
	defer evm.Release()
	evm.SetPrecompiles(precompiles)
	b := &simulatedBlock{
		simulation: s, header: p.header, evm: evm, rules: rules, gas: core.NewGasPool(p.header.GasLimit),
		recorder: rec, callers: make(map[*types.Transaction]common.Address),
	}
	b.begin()
	for _, call := range p.input.Calls {
		if err := b.call(ctx, call); err != nil {
			return nil, nil, refusal(err)
		}
	}
	block, err := b.end(ctx, overrides)
	if err != nil {
		return nil, nil, err
	}
	return ethjson.SimulatedBlock(block, b.results, s.full, callers{of: b.callers}), block.Header(), nil
}

// begin makes the system calls before the first transaction (EIP-4788, EIP-2935).
func (b *simulatedBlock) begin() {
	if root := b.header.ParentBeaconRoot; root != nil {
		core.ProcessBeaconBlockRoot(*root, b.evm, nil)
	}
	if b.rules.IsPrague {
		core.ProcessParentBlockHash(b.header.ParentHash, b.evm, nil)
	}
}

// end does what follows the last transaction and seals the block.
func (b *simulatedBlock) end(ctx context.Context, o *BlockOverrides) (*types.Block, error) {
	h, body := b.header, &types.Body{Transactions: b.txs}
	h.GasUsed = b.gas.Used()
	if b.rules.IsCancun {
		h.BlobGasUsed = &b.blobGas
	}
	if b.rules.IsShanghai {
		body.Withdrawals = types.Withdrawals{}
		if o.Withdrawals != nil && *o.Withdrawals != nil {
			body.Withdrawals = *o.Withdrawals
		}
	}
	if err := b.requests(ctx, body.Withdrawals); err != nil {
		return nil, err
	}
	if finish := b.api.blocks.Finish; finish != nil {
		finish(h, b.db)
	}
	if b.rooted {
		h.Root = b.db.IntermediateRoot(b.rules)
	} else {
		b.db.Finalise(b.rules)
	}
	if err := b.db.Error(); err != nil {
		return nil, err
	}
	if ctx.Err() != nil { // the system calls are cut short without a word
		return nil, b.api.timedOut()
	}
	block := types.NewBlock(h, body, b.receipts, trie.NewStackTrie(nil))
	b.place(block.Hash())
	return block, nil
}

// requests credits withdrawals and, where the network has them, empties the
// queues of requests.
func (b *simulatedBlock) requests(ctx context.Context, withdrawals types.Withdrawals) error {
	index := uint32(len(b.txs) + 1)
	if !b.api.blocks.Requests {
		if b.rules.IsShanghai {
			core.ProcessWithdrawals(withdrawals, b.evm, index, nil)
		}
		if b.rules.IsPrague {
			b.header.RequestsHash = &types.EmptyRequestsHash
		}
		return nil
	}
	var logs []*types.Log
	for i := range b.results {
		logs = append(logs, b.results[i].Logs...)
	}
	requests, _, err := core.PostExecution(ctx, b.api.cfg, b.header.Number, b.header.Time, logs, withdrawals, b.evm, index)
	if err != nil {
		return err
	}
	if requests != nil {
		hash := types.CalcRequestsHash(requests)
		b.header.RequestsHash = &hash
	}
	return nil
}

// place gives the logs the hash of their block, which was not known before.
func (b *simulatedBlock) place(hash common.Hash) {
	for i := range b.results {
		for _, l := range b.results[i].Logs {
			l.BlockHash = hash
		}
	}
}

// callers is a signer that knows who makes each unsigned transaction. It serves
// to show them, and for nothing else.
type callers struct {
	types.Signer
	of map[*types.Transaction]common.Address
}

// Sender implements types.Signer.
func (c callers) Sender(tx *types.Transaction) (common.Address, error) { return c.of[tx], nil }

// Equal implements types.Signer: no cached sender comes from here.
func (c callers) Equal(types.Signer) bool { return false }
