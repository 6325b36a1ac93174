package state

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	gstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/trie"

	"github.com/quorate/quorate/registry"
)

// ErrBlobTransaction is the reason why a blob transaction is skipped: blobs are
// for layer 2 on the public chain, and no node here keeps them.
var ErrBlobTransaction = errors.New("state: blob transactions are not supported on this network")

// Execute executes a batch on the block header.ParentHash, the head or a live
// layer, and returns the block as a new live layer. It is a pure function of
// that state, the header and the transactions.
//
// header carries ParentHash, Number, Time, Coinbase, GasLimit, MixDigest and
// BaseFee; the rest is filled in a copy. Transactions that are invalid at their
// turn (nonce, balance, gas left, type, signature, permission …) are skipped. getHash maps
// the number of an ancestor to its block hash, speculative ones included.
// systemWrite, if not nil, runs after the last transaction and hears which were
// included; accounts that it makes need a nonce, a balance or code, or they vanish as empty (EIP-161).
//
// The transactions must not be changed afterwards. Safe for concurrent use.
func (s *State) Execute(ctx context.Context, header *types.Header, txs []*types.Transaction, getHash func(uint64) common.Hash, systemWrite func(vm.StateDB, []*types.Transaction)) (*Layer, error) {
	if header.BaseFee == nil || header.Number == nil {
		return nil, errors.New("state: a header without number or base fee cannot be executed")
	}
	s.mu.RLock()
	b, parent, err := s.on(header.ParentHash, s.db, s.cache)
	s.mu.RUnlock()
	if err != nil {
		return nil, err
	}
	if header.Number.Uint64() != parent.Number+1 {
		return nil, fmt.Errorf("state: block %d cannot follow block %d", header.Number, parent.Number)
	}
	db := &overlay{base: b, root: parent.Root}
	sdb, err := gstate.New(parent.Root, db)
	if err != nil {
		return nil, fmt.Errorf("state: open the state of block %d: %w", parent.Number, err)
	}
	if s.prefetch {
		sdb.StartPrefetcher("quorate", nil)
		defer sdb.StopPrefetcher()
	}
	x := &execution{state: s, header: complete(header), sdb: sdb, gas: core.NewGasPool(header.GasLimit)}
	rules, err := x.run(ctx, txs, getHash, systemWrite)
	if err != nil {
		return nil, fmt.Errorf("state: execute block %d: %w", header.Number, err)
	}
	roots := x.deriveRoots() // beside the state root
	root, err := sdb.Commit(rules, header.Number.Uint64())
	derived := <-roots
	if err != nil {
		return nil, fmt.Errorf("state: execute block %d: %w", header.Number, err)
	}
	l := newLayer(header.ParentHash, b, db.update, s.proofs)
	x.seal(l, root, derived)
	return l, s.add(l)
}

// complete fills the fields of a header that are the same in every block.
func complete(h *types.Header) *types.Header {
	h = types.CopyHeader(h)
	h.Difficulty = new(big.Int)
	h.Nonce = types.BlockNonce{}
	h.UncleHash = types.EmptyUncleHash
	h.Extra = nil
	h.WithdrawalsHash = &types.EmptyWithdrawalsHash
	h.BlobGasUsed, h.ExcessBlobGas = new(uint64), new(uint64)
	h.ParentBeaconRoot = new(common.Hash)
	h.RequestsHash = &types.EmptyRequestsHash
	return h
}

// execution is one block on its way.
type execution struct {
	state    *State
	header   *types.Header
	sdb      *gstate.StateDB
	gas      *core.GasPool
	included []*types.Transaction
	receipts types.Receipts
	skipped  []Skipped
	created  []Creation

	permissioned bool // the state has the system contracts: it had them at block 0
}

// run applies system calls, transactions and the system write.
func (x *execution) run(ctx context.Context, txs []*types.Transaction, getHash func(uint64) common.Hash, systemWrite func(vm.StateDB, []*types.Transaction)) (params.Rules, error) {
	seen := &witness{occupied: occupied{x.sdb, x.sdb}}
	evm := x.state.newEVM(BlockContext(x.state.chain, x.header, getHash), seen, vm.Config{})
	defer evm.Release()
	PreExecute(x.header, evm)
	signer := types.MakeSigner(x.state.chain, x.header.Number, x.header.Time)
	x.permissioned = registry.HasContracts(x.sdb.GetState)
	x.included = make([]*types.Transaction, 0, len(txs))
	x.receipts = make(types.Receipts, 0, len(txs))
	for i, tx := range txs {
		if i%cancelTxs == 0 && ctx.Err() != nil {
			return params.Rules{}, ctx.Err()
		}
		receipt, err := x.apply(ctx, evm, signer, tx)
		if err != nil {
			x.skipped = append(x.skipped, Skipped{i, tx.Hash(), err})
			seen.skipped()
			continue
		}
		seen.ended(len(x.included))
		x.included = append(x.included, tx)
		x.receipts = append(x.receipts, receipt)
	}
	x.created = seen.made
	if systemWrite != nil {
		x.sdb.SetTxContext(common.Hash{}, len(x.included), uint32(len(x.included)+1))
		systemWrite(x.sdb, x.included)
	}
	return evm.GetRules(), nil
}

// apply applies the next transaction, or says why it is skipped.
func (x *execution) apply(ctx context.Context, evm *vm.EVM, signer types.Signer, tx *types.Transaction) (*types.Receipt, error) {
	if tx.Type() == types.BlobTxType {
		return nil, ErrBlobTransaction
	}
	if x.permissioned {
		from, err := types.Sender(signer, tx)
		if err != nil {
			return nil, err
		}
		// What the transactions before have changed counts: the same on every node.
		if err := registry.CheckTransaction(x.sdb.GetState, from, tx.To(), tx.Gas()); err != nil {
			return nil, err
		}
	}
	return ApplyTransaction(ctx, evm, x.gas, x.sdb, x.header, signer, tx, len(x.included))
}

// PreExecute makes the system calls before the first transaction (EIP-4788,
// EIP-2935), the same as core.PreExecution, which wants the whole parent header
// for the sake of its hash. Tracers repeat exactly this, so nothing else may
// happen here.
func PreExecute(h *types.Header, evm *vm.EVM) {
	if h.ParentBeaconRoot != nil {
		core.ProcessBeaconBlockRoot(*h.ParentBeaconRoot, evm, nil)
	}
	if evm.GetRules().IsPrague {
		core.ProcessParentBlockHash(h.ParentHash, evm, nil)
	}
}

// derivedRoots are the parts of a header that need no state.
type derivedRoots struct {
	txs, receipts common.Hash
	bloom         types.Bloom
}

// deriveRoots computes them on a goroutine of its own, which always ends.
func (x *execution) deriveRoots() <-chan derivedRoots {
	out := make(chan derivedRoots, 1)
	go func() {
		out <- derivedRoots{
			txs:      types.DeriveSha(types.Transactions(x.included), trie.NewStackTrie(nil)),
			receipts: types.DeriveSha(x.receipts, trie.NewStackTrie(nil)),
			bloom:    types.MergeBloom(x.receipts),
		}
	}()
	return out
}

// seal completes the header and what depends on its hash.
func (x *execution) seal(l *Layer, root common.Hash, d derivedRoots) {
	h := x.header
	h.Root, h.TxHash, h.ReceiptHash, h.Bloom = root, d.txs, d.receipts, d.bloom
	h.GasUsed = x.gas.Used()
	l.Block = types.NewBlockWithHeader(h).WithBody(types.Body{Transactions: x.included, Withdrawals: []*types.Withdrawal{}})
	l.Receipts, l.Skipped, l.Created = x.receipts, x.skipped, x.created
	hash := l.Block.Hash()
	for _, r := range l.Receipts {
		r.BlockHash = hash
		for _, log := range r.Logs {
			log.BlockHash = hash
		}
	}
}
