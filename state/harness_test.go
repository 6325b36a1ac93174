package state

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"math/big"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
	"github.com/quorate/quorate/store"
)

// osaka is the chain configuration of a network of ours: all forks up to Osaka
// from block 0.
func osaka() *params.ChainConfig {
	zero := func() *uint64 { return new(uint64) }
	return &params.ChainConfig{
		ChainID: big.NewInt(1234), HomesteadBlock: new(big.Int), EIP150Block: new(big.Int), EIP155Block: new(big.Int), EIP158Block: new(big.Int),
		ByzantiumBlock: new(big.Int), ConstantinopleBlock: new(big.Int), PetersburgBlock: new(big.Int), IstanbulBlock: new(big.Int),
		BerlinBlock: new(big.Int), LondonBlock: new(big.Int), MergeNetsplitBlock: new(big.Int), TerminalTotalDifficulty: new(big.Int),
		ShanghaiTime: zero(), CancunTime: zero(), PragueTime: zero(), OsakaTime: zero(),
		BlobScheduleConfig: &params.BlobScheduleConfig{Cancun: params.DefaultCancunBlobConfig, Prague: params.DefaultPragueBlobConfig},
	}
}

// user is an account with a key; nonce is what the test has used so far.
type user struct {
	key   *ecdsa.PrivateKey
	addr  common.Address
	nonce uint64
}

func users(n int) []*user {
	out := make([]*user, n)
	for i := range out {
		key, err := crypto.ToECDSA(crypto.Keccak256(fmt.Appendf(nil, "user %d", i)))
		if err != nil {
			panic(err)
		}
		out[i] = &user{key: key, addr: crypto.PubkeyToAddress(key.PublicKey)}
	}
	return out
}

// sign makes a dynamic fee transaction with the user's next nonce and caches
// its sender, as the pool does.
func (u *user) sign(to *common.Address, value int64, gas uint64, data []byte) *types.Transaction {
	tx := &types.DynamicFeeTx{ChainID: osaka().ChainID, Nonce: u.nonce, To: to, Value: big.NewInt(value), Gas: gas, Data: data, GasTipCap: new(big.Int), GasFeeCap: new(big.Int)}
	u.nonce++
	signer := types.LatestSigner(osaka())
	signed, err := types.SignNewTx(u.key, signer, tx)
	if err != nil {
		panic(err)
	}
	if _, err := types.Sender(signer, signed); err != nil {
		panic(err)
	}
	return signed
}

// alloc funds the users and holds the system contract of EIP-2935.
func alloc(us []*user) types.GenesisAlloc {
	a := types.GenesisAlloc{
		params.HistoryStorageAddress: {Nonce: 1, Code: params.HistoryStorageCode, Balance: new(big.Int)},
		params.BeaconRootsAddress:    {Nonce: 1, Code: params.BeaconRootsCode, Balance: new(big.Int)},
	}
	for _, u := range us {
		a[u.addr] = types.Account{Balance: big.NewInt(params.Ether)}
	}
	return a
}

// chain is a state with the hashes of its blocks: as much of the package chain
// as the state needs.
type chain struct {
	t      testing.TB
	fs     vfs.FS
	db     *store.DB
	state  *State
	tip    *types.Header // the block to build on
	hashes map[uint64]common.Hash
	write  func(vm.StateDB, []*types.Transaction)
}

func newChain(t testing.TB, fs vfs.FS, history uint64, a types.GenesisAlloc, change ...func(*Config)) *chain {
	t.Helper()
	return newChainWith(t, store.Options{FS: fs}, history, a, change...)
}

// proving keeps old trie nodes.
func proving(c *Config) { c.Proofs = true }

func newChainWith(t testing.TB, o store.Options, history uint64, a types.GenesisAlloc, change ...func(*Config)) *chain {
	t.Helper()
	c := openChainWith(t, o, history, change...)
	g := &core.Genesis{Config: osaka(), Alloc: a, GasLimit: 100_000_000, BaseFee: new(big.Int), Difficulty: new(big.Int)}
	c.genesis(a, g.ToBlock().Header())
	return c
}

// openChain opens what is on fs, without creating block 0.
func openChain(t testing.TB, fs vfs.FS, history uint64, change ...func(*Config)) *chain {
	t.Helper()
	return openChainWith(t, store.Options{FS: fs}, history, change...)
}

func openChainWith(t testing.TB, o store.Options, history uint64, change ...func(*Config)) *chain {
	t.Helper()
	dir, cache := "data", int64(MinCacheBytes)
	if o.FS == nil {
		dir, cache = filepath.Join(t.TempDir(), dir), DefaultCacheBytes
	}
	db, err := store.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Chain: osaka(), History: history, CacheBytes: cache}
	for _, f := range change {
		f(&cfg)
	}
	s, err := Open(db, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return &chain{t: t, fs: o.FS, db: db, state: s, hashes: map[uint64]common.Hash{}}
}

func (c *chain) genesis(a types.GenesisAlloc, h *types.Header) {
	c.t.Helper()
	b := c.db.NewBatch()
	l, err := c.state.StageGenesis(b, a, h)
	if err == nil {
		err = c.db.Apply(b, true)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.state.Publish(l)
	c.tip = h
	c.hashes[0] = h.Hash()
}

func (c *chain) close() {
	c.t.Helper()
	if err := c.db.Close(); err != nil {
		c.t.Fatal(err)
	}
}

// next is the header of the block after parent, as far as the caller of Execute
// fills it.
func next(parent *types.Header) *types.Header {
	return &types.Header{
		ParentHash: parent.Hash(), Number: new(big.Int).Add(parent.Number, common.Big1), Time: parent.Time + 1,
		Coinbase: common.Address{0xc0}, GasLimit: parent.GasLimit, MixDigest: crypto.Keccak256Hash(parent.Hash().Bytes()), BaseFee: new(big.Int),
	}
}

// execute makes a layer on the tip and moves the tip there.
func (c *chain) execute(txs ...*types.Transaction) *Layer {
	c.t.Helper()
	h := next(c.tip)
	l, err := c.state.Execute(context.Background(), h, txs, func(n uint64) common.Hash { return c.hashes[n] }, c.write)
	if err != nil {
		c.t.Fatal(err)
	}
	c.tip = l.Block.Header()
	c.hashes[l.number()] = l.Block.Hash()
	return l
}

// commit makes a layer final.
func (c *chain) commit(l *Layer, sync bool) {
	c.t.Helper()
	b := c.db.NewBatch()
	if err := errors.Join(c.state.Stage(b, l), c.db.Apply(b, sync)); err != nil {
		c.t.Fatal(err)
	}
	c.state.Publish(l)
}

// mine executes and commits, and wants every transaction included.
func (c *chain) mine(txs ...*types.Transaction) *Layer {
	c.t.Helper()
	l := c.execute(txs...)
	for _, s := range l.Skipped {
		c.t.Fatalf("transaction %d was skipped: %v", s.Index, s.Reason)
	}
	c.commit(l, false)
	return l
}
