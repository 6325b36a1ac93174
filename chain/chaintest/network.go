package chaintest

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/common"
	gstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/state"
	"github.com/quorate/quorate/store"
)

// ChainID of every test network.
const ChainID = 7117

// Timestamp of block 0, seconds since 1970.
const Timestamp = 1_700_000_000

// Network is a genesis with the keys behind it.
type Network struct {
	Genesis    *genesis.Genesis
	Validators []*ecdsa.PrivateKey // in index order
	Set        *consensus.ValidatorSet
	Users      []*User // funded with 1,000 ether each
	Domain     consensus.Domain
	signer     types.Signer

	later []*ecdsa.PrivateKey // of validators that are no founders
	chain *chain.Chain        // whose epochs it follows; nil: those of the genesis
}

// User is a funded account. Nonce is that of its next transaction.
type User struct {
	Key     *ecdsa.PrivateKey
	Address common.Address
	Nonce   uint64
	signer  types.Signer
}

// New makes a network of validators and users. change, if given, edits the
// genesis before its hash is taken.
func New(validators, users int, change ...func(*genesis.Genesis)) *Network {
	n := &Network{Genesis: genesis.Default(), signer: types.LatestSignerForChainID(big.NewInt(ChainID))}
	g := n.Genesis
	g.ChainID, g.Timestamp = ChainID, Timestamp
	for i := range validators {
		n.Validators = append(n.Validators, Key(fmt.Sprintf("validator %d", i)))
	}
	slices.SortFunc(n.Validators, func(a, b *ecdsa.PrivateKey) int {
		x, y := crypto.PubkeyToAddress(a.PublicKey), crypto.PubkeyToAddress(b.PublicKey)
		return bytes.Compare(x[:], y[:])
	})
	for _, k := range n.Validators {
		g.Validators = append(g.Validators, genesis.Validator{Address: crypto.PubkeyToAddress(k.PublicKey)})
	}
	for i := range users {
		k := Key(fmt.Sprintf("user %d", i))
		u := &User{Key: k, Address: crypto.PubkeyToAddress(k.PublicKey), signer: n.signer}
		n.Users = append(n.Users, u)
		g.Alloc[u.Address] = types.Account{Balance: new(big.Int).Mul(big.NewInt(1000), big.NewInt(params.Ether))}
	}
	for _, f := range change {
		f(g)
	}
	n.Set, n.Domain = g.ValidatorSet(), g.Domain()
	return n
}

// Key derives a private key from a name.
func Key(name string) *ecdsa.PrivateKey {
	k, err := crypto.ToECDSA(crypto.Keccak256([]byte(name)))
	if err != nil {
		panic(err) // of 2^256 names one fails
	}
	return k
}

// Node is one node's database with what stands on it.
type Node struct {
	DB    *store.DB
	State *state.State
	Chain *chain.Chain
}

// StateAt opens the state after a block, as RPC does; release must be called.
func (n *Node) StateAt(number uint64) (db *gstate.StateDB, release func(), err error) {
	v, err := n.State.At(number)
	if err != nil {
		return nil, nil, err
	}
	return v.StateDB, func() { _ = v.Close() }, nil
}

// Open opens a node in dir on fs; a nil fs is a new one in memory. The caller
// closes it.
func (n *Network) Open(fs vfs.FS, dir string, o chain.Options) (*Node, error) {
	return n.OpenWith(fs, dir, func(*store.DB) chain.Options { return o })
}

// OpenWith is Open for options that need the node's database: indexers. The
// world state is configured by change.
func (n *Network) OpenWith(fs vfs.FS, dir string, o func(*store.DB) chain.Options, change ...func(*state.Config)) (*Node, error) {
	if fs == nil {
		fs = vfs.NewMem()
	}
	return n.open(dir, store.Options{FS: fs, ReserveBytes: 1}, o, change...)
}

// OpenPruned opens a node in memory that can read the state of so many blocks
// below its head. The caller closes it.
func (n *Network) OpenPruned(history uint64) (*Node, error) {
	return n.OpenState(func(cfg *state.Config) { cfg.History = history })
}

// OpenState opens a node in memory whose world state is configured by change.
// The caller closes it.
func (n *Network) OpenState(change func(*state.Config)) (*Node, error) {
	return n.open("node", store.Options{FS: vfs.NewMem(), ReserveBytes: 1}, func(*store.DB) chain.Options { return chain.Options{} }, change)
}

// OpenDir opens a node in a directory of the disk.
func (n *Network) OpenDir(dir string, o chain.Options) (*Node, error) {
	return n.OpenDirWith(dir, func(*store.DB) chain.Options { return o })
}

// OpenDirWith is OpenDir for options that need the node's database.
func (n *Network) OpenDirWith(dir string, o func(*store.DB) chain.Options) (*Node, error) {
	return n.open(dir, store.Options{ReserveBytes: 1}, o)
}

func (n *Network) open(dir string, so store.Options, o func(*store.DB) chain.Options, change ...func(*state.Config)) (*Node, error) {
	db, err := store.Open(dir, so)
	if err != nil {
		return nil, err
	}
	cfg := state.Default(n.Genesis.ChainConfig())
	cfg.CacheBytes = state.MinCacheBytes
	for _, f := range change {
		f(&cfg)
	}
	st, err := state.Open(db, cfg)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	c, err := chain.Open(db, n.Genesis, st, o(db))
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &Node{DB: db, State: st, Chain: c}, nil
}

// Node opens a node in memory that is closed with the test.
func (n *Network) Node(tb testing.TB) *Node {
	tb.Helper()
	node, err := n.Open(nil, "node", chain.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := node.DB.Close(); err != nil {
			tb.Error(err)
		}
	})
	return node
}

// Batch returns the header of a batch on parent, which is proposed by the first
// validator a millisecond after it.
func (n *Network) Batch(parent *types.Header, txs []*types.Transaction) *consensus.BatchHeader {
	seq := consensus.Seq(parent.Number.Uint64() + 1)
	digest := parent.MixDigest
	if seq == 1 {
		digest = n.Domain.Genesis
	}
	hashes := make([]common.Hash, len(txs))
	for i, tx := range txs {
		hashes[i] = tx.Hash()
	}
	rules := n.rules(seq)
	return &consensus.BatchHeader{
		Version: consensus.BatchVersion,
		Epoch:   rules.Epoch, Seq: seq,
		Proposer: rules.Set.Address(0), Beneficiary: rules.Set.Address(0), ParentDigest: digest,
		TimeMs: Timestamp*1000 + uint64(seq), GasLimit: rules.Params.BlockGasLimit,
		TxCount: uint64(len(txs)), TxsHash: consensus.HashOfTransactions(hashes),
	}
}

// Certify returns a certificate of every validator for a header.
func (n *Network) Certify(h *types.Header) *consensus.CommitCertificate {
	seq := consensus.Seq(h.Number.Uint64())
	votes := n.signAll(n.rules(seq), consensus.Vote{Kind: consensus.Commit, Seq: seq, Digest: h.MixDigest, BlockHash: h.Hash()})
	return consensus.NewCommitCertificate(votes, len(votes))
}

// Follow takes the epochs from a chain instead of from the genesis: for networks
// whose members change.
func (n *Network) Follow(c *chain.Chain) { n.chain = c }

// rules are those of the epoch of a block; a followed chain is at most one below it.
func (n *Network) rules(seq consensus.Seq) *consensus.EpochRules {
	if n.chain != nil {
		e, err := n.chain.EpochOf(uint64(seq))
		if err != nil {
			panic(err) // the caller builds on the chain that it follows
		}
		return e.EpochRules
	}
	p := n.Genesis.Params
	length := consensus.Seq(p.EpochLength)
	e := (max(seq, 1) - 1) / length
	return &consensus.EpochRules{Epoch: consensus.Epoch(e), First: e*length + 1, Set: n.Set, Params: p}
}

// signAll has every validator of an epoch sign, in the order of its set.
func (n *Network) signAll(rules *consensus.EpochRules, v consensus.Vote) []*consensus.Vote {
	votes := make([]*consensus.Vote, rules.Set.Len())
	for i, a := range rules.Set.Addresses() {
		own := v
		own.Epoch, own.Sender = rules.Epoch, uint64(i)
		votes[i] = n.signBy(n.keyOf(a), &own)
	}
	return votes
}

// Know lets the network sign for a validator that is no founder.
func (n *Network) Know(key *ecdsa.PrivateKey) { n.later = append(n.later, key) }

// keyOf returns the key of a founder, or of one that Know was told of.
func (n *Network) keyOf(a common.Address) *ecdsa.PrivateKey {
	if i, ok := n.Set.Index(a); ok {
		return n.Validators[i]
	}
	for _, k := range n.later {
		if crypto.PubkeyToAddress(k.PublicKey) == a {
			return k
		}
	}
	panic("chaintest: " + a.Hex() + " has no key here: tell Know")
}

// CertifyCheckpoint returns a certificate of every validator for the last block
// of an epoch.
func (n *Network) CertifyCheckpoint(d chain.CheckpointData) *consensus.CheckpointCertificate {
	votes := n.signAll(n.rules(d.Seq), consensus.Vote{Kind: consensus.Checkpoint, Seq: d.Seq, BlockHash: d.BlockHash, StateRoot: d.StateRoot, NextSet: d.NextSet})
	return consensus.NewCheckpointCertificate(votes, len(votes))
}

// Sign completes a vote as validator i's.
func (n *Network) Sign(i int, v *consensus.Vote) *consensus.Vote {
	v.Sender = uint64(i)
	return n.signBy(n.Validators[i], v)
}

func (n *Network) signBy(key *ecdsa.PrivateKey, v *consensus.Vote) *consensus.Vote {
	sig, err := crypto.Sign(crypto.Keccak256(v.Preimage(n.Domain)), key)
	if err != nil {
		panic(err) // the key and the hash are of the right length
	}
	copy(v.Signature[:], sig)
	return v
}

// Append orders, executes, certifies and commits one block.
func (n *Network) Append(c *chain.Chain, txs ...*types.Transaction) (*types.Header, error) {
	b := n.Batch(c.Head(), txs)
	h, err := c.Execute(context.Background(), b, c.Head().Hash(), txs)
	if err != nil {
		return nil, err
	}
	return h, c.Commit(b, n.Certify(h))
}

// Transfer signs the user's next transaction: value wei to an account. The
// sender is not yet recovered, as in a transaction that came over the wire.
func (u *User) Transfer(to common.Address, value int64) *types.Transaction {
	return u.SignNext(&types.LegacyTx{To: &to, Value: big.NewInt(value), Gas: params.TxGas, GasPrice: new(big.Int)})
}

// SignNext gives a legacy transaction the user's next nonce and signs it.
func (u *User) SignNext(tx *types.LegacyTx) *types.Transaction {
	tx.Nonce = u.Nonce
	u.Nonce++
	signed, err := types.SignNewTx(u.Key, u.signer, tx)
	if err != nil {
		panic(err)
	}
	return signed
}
