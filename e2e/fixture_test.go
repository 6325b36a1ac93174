package e2e

import (
	"context"
	"fmt"
	"math/big"
	"path/filepath"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/index"
	"github.com/quorate/quorate/keys"
	network "github.com/quorate/quorate/node/devnet"
	"github.com/quorate/quorate/state"
	"github.com/quorate/quorate/store"
)

// fixture writes a long chain into the data directory of the only validator of a
// network that never ran: what months of use leave, in seconds. It is the chain that
// the node would have written, block by block, with certificates of its key.
type fixture struct {
	t      *testing.T
	g      *genesis.Genesis
	domain consensus.Domain // of g, which computes it anew each time
	db     *store.DB
	state  *state.State
	chain  *chain.Chain
	signer keys.Signer
	users  []network.Account
	fresh  uint64 // accounts made; the users pay for one each in turn
	stepMs uint64 // from the time of one block to that of the next, in ms
}

// build appends blocks until there are so many and an epoch has ended; each makes so
// many accounts. It returns the number of the last one.
func build(t *testing.T, n *node, blocks uint64, accounts int) uint64 {
	t.Helper()
	f := openFixture(t, n)
	return f.grow(blocks, func(uint64) []*types.Transaction { return f.transfers(accounts) })
}

// grow appends blocks with these transactions until there are so many and an epoch has
// ended, closes the database, and returns the number of the last one.
func (f *fixture) grow(blocks uint64, of func(number uint64) []*types.Transaction) uint64 {
	f.t.Helper()
	for {
		e, head := f.chain.CurrentEpoch(), f.chain.Head().Number.Uint64()
		if head >= blocks && head == uint64(e.First-1) {
			break
		}
		f.block(e.EpochRules, of(head+1))
		if (head+1)%100_000 == 0 {
			f.t.Logf("%d blocks", head+1) // a million takes longer than one likes to wonder
		}
		if uint64(e.Last()) == head+1 {
			f.checkpoint(e.Epoch)
		}
	}
	f.must(f.chain.Flush())
	f.state.Close()
	f.must(f.db.Close())
	return f.chain.Head().Number.Uint64()
}

// openFixture opens the data of a node with the index of logs and others.
func openFixture(t *testing.T, n *node, more ...func(*store.DB, types.Signer) chain.Indexer) *fixture {
	t.Helper()
	f := &fixture{t: t, stepMs: 1}
	var err error
	f.g, err = genesis.Load(filepath.Join(n.Dir, "genesis.json"))
	f.must(err)
	f.domain = f.g.Domain()
	f.db, err = store.Open(filepath.Join(n.Dir, "data"), store.Options{})
	f.must(err)
	f.state, err = state.Open(f.db, state.Default(f.g.ChainConfig()))
	f.must(err)
	indexers := []chain.Indexer{index.NewLogs(f.db)}
	for _, x := range more {
		indexers = append(indexers, x(f.db, types.LatestSigner(f.g.ChainConfig())))
	}
	f.chain, err = chain.Open(f.db, f.g, f.state, chain.Options{Indexers: indexers})
	f.must(err)
	f.signer, err = keys.LoadKeystore(filepath.Join(n.Dir, "keystore"), filepath.Join(n.Dir, "password"))
	f.must(err)
	f.users, err = network.Accounts()
	f.must(err)
	return f
}

func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// block appends one block.
func (f *fixture) block(e *consensus.EpochRules, txs []*types.Transaction) {
	f.t.Helper()
	ctx, parent := context.Background(), f.chain.HeadSealed()
	hashes := make([]common.Hash, len(txs))
	for i, tx := range txs {
		hashes[i] = tx.Hash()
	}
	seq := consensus.Seq(parent.Header.Number.Uint64() + 1)
	digest := f.chain.Genesis()
	if parent.BatchHeader != nil {
		digest = parent.BatchHeader.Digest()
	}
	h := &consensus.BatchHeader{
		Version: consensus.BatchVersion, Epoch: e.Epoch, Seq: seq, Proposer: f.signer.Address(), Beneficiary: f.signer.Address(),
		ParentDigest: digest, TimeMs: f.g.Timestamp*1000 + uint64(seq)*f.stepMs, GasLimit: e.Params.BlockGasLimit,
		TxCount: uint64(len(txs)), TxsHash: consensus.HashOfTransactions(hashes),
	}
	header, err := f.chain.Execute(ctx, h, parent.Hash(), txs)
	f.must(err)
	vote := f.sign(&consensus.Vote{Kind: consensus.Commit, Epoch: e.Epoch, Seq: seq, Digest: header.MixDigest, BlockHash: header.Hash()})
	v, err := f.chain.Verify(&chain.SealedBlock{Header: header, Transactions: txs, BatchHeader: h, Certificate: consensus.NewCommitCertificate(vote, 1)})
	f.must(err)
	f.must(f.chain.ImportVerified(ctx, v)) // without an fsync for each
}

// transfers pay one wei each to accounts that were not there, the users in turn.
func (f *fixture) transfers(count int) []*types.Transaction {
	f.t.Helper()
	out := make([]*types.Transaction, count)
	for i := range out {
		to := common.BytesToAddress(crypto.Keccak256(fmt.Appendf(nil, "account %d", f.fresh)))
		out[i] = f.signed(int(f.fresh)%len(f.users), &types.LegacyTx{Nonce: f.fresh / uint64(len(f.users)), To: &to, Value: common.Big1, Gas: params.TxGas})
		f.fresh++
	}
	return out
}

// signed is a transaction of a user, whose sender is known.
func (f *fixture) signed(user int, tx *types.LegacyTx) *types.Transaction {
	f.t.Helper()
	tx.GasPrice = new(big.Int)
	out, err := types.SignNewTx(f.users[user].Key, f.chain.Signer(), tx)
	f.must(err)
	_, err = types.Sender(f.chain.Signer(), out)
	f.must(err)
	return out
}

// checkpoint makes the checkpoint of an epoch stable.
func (f *fixture) checkpoint(e consensus.Epoch) {
	f.t.Helper()
	d, err := f.chain.CheckpointData(e)
	f.must(err)
	vote := f.sign(&consensus.Vote{Kind: consensus.Checkpoint, Epoch: e, Seq: d.Seq, BlockHash: d.BlockHash, StateRoot: d.StateRoot, NextSet: d.NextSet})
	f.must(f.chain.SetCheckpoint(consensus.NewCheckpointCertificate(vote, 1)))
}

func (f *fixture) sign(v *consensus.Vote) []*consensus.Vote {
	f.t.Helper()
	sig, err := f.signer.Sign(context.Background(), v.Preimage(f.domain))
	f.must(err)
	v.Signature = sig
	return []*consensus.Vote{v}
}
