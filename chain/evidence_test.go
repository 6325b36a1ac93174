package chain_test

import (
	"crypto/ecdsa"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/genesis"
)

// signedVote returns a PREPARE that validator i signs.
func signedVote(t *testing.T, n *chaintest.Network, i int, e consensus.Epoch, digest byte) *consensus.Vote {
	t.Helper()
	v := &consensus.Vote{Kind: consensus.Prepare, Epoch: e, Sender: uint64(i), Seq: 3, Digest: common.Hash{digest}}
	sig := must[[]byte](t)(crypto.Sign(crypto.Keccak256(v.Preimage(n.Domain)), n.Validators[i]))
	v.Signature = consensus.Signature(sig)
	return v
}

func proof(t *testing.T, n *chaintest.Network, i int, e consensus.Epoch, second byte) []byte {
	t.Helper()
	ev := consensus.Evidence{Offender: uint64(i), First: signedVote(t, n, i, e, 1), Second: signedVote(t, n, i, e, second)}
	return ev.Encode()
}

// accusation is a transaction to the system account, free of charge.
func accusation(t *testing.T, key *ecdsa.PrivateKey, nonce uint64, data []byte) *types.Transaction {
	t.Helper()
	signer := types.LatestSignerForChainID(big.NewInt(chaintest.ChainID))
	return must[*types.Transaction](t)(types.SignNewTx(key, signer, &types.LegacyTx{
		Nonce: nonce, To: &genesis.SuspensionAccount, Gas: 21_000 + 40*uint64(len(data)), GasPrice: new(big.Int), Data: data,
	}))
}

func appendTxs(t *testing.T, n *chaintest.Network, c *chain.Chain, txs ...*types.Transaction) {
	t.Helper()
	b := n.Batch(c.Head(), txs)
	h := must[*types.Header](t)(c.Execute(ctx, b, c.Head().Hash(), txs))
	fatal(t, c.Commit(b, n.Certify(h)))
}

// TestEvidenceSuspends: evidence in a validator's transaction suspends the
// offender from the next epoch on, once however often it is told, on the node
// that executed and on the one that imported.
func TestEvidenceSuspends(t *testing.T) {
	n := chaintest.New(4, 1, short)
	node, other := n.Node(t), n.Node(t)
	c, offender := node.Chain, n.Set.Address(2)
	appendTxs(t, n, c, accusation(t, n.Validators[0], 0, proof(t, n, 2, 0, 2)), accusation(t, n.Validators[1], 0, proof(t, n, 2, 0, 2)))
	appendTxs(t, n, c, accusation(t, n.Validators[3], 0, proof(t, n, 2, 0, 3)))
	appendViews(t, n, c, 0, 0)
	wantSuspended(t, c, 0)
	wantSuspended(t, c, 1, offender)
	for number := uint64(1); number <= 4; number++ {
		fatal(t, other.Chain.Import(ctx, sealedBlock(t, c, number)))
	}
	wantSuspended(t, other.Chain, 1, offender)
	for range 63 {
		appendViews(t, n, c, 0, 0, 0, 0)
	}
	wantSuspended(t, c, 64, offender)
	appendViews(t, n, c, 0, 0, 0, 0)
	wantSuspended(t, c, 65) // 64 epochs, not 128: the second accusation was the same fault
}

// TestEvidenceThatProvesNothing: whatever else is sent to the system account
// suspends nobody.
func TestEvidenceThatProvesNothing(t *testing.T) {
	n := chaintest.New(4, 1, short)
	c := n.Node(t).Chain
	stranger := n.Users[0].Key
	forged := consensus.Evidence{Offender: 2, First: signedVote(t, n, 2, 0, 1), Second: signedVote(t, n, 2, 0, 2)}
	forged.Second.Signature[5]++
	for i, data := range [][]byte{
		proof(t, n, 2, 0, 1), // the same statement twice
		proof(t, n, 2, 1, 2), // of another epoch
		forged.Encode(),
		{1, 2, 3},
		nil,
	} {
		txs := []*types.Transaction{accusation(t, n.Validators[0], uint64(i), data)}
		if i == 0 {
			txs = append(txs, accusation(t, stranger, 0, proof(t, n, 2, 0, 2)))
		}
		if i == 3 {
			// Only the first word of an accuser in a block is heard.
			txs = append(txs, accusation(t, n.Validators[0], uint64(i)+1, proof(t, n, 2, 0, 2)))
			appendTxs(t, n, c, txs...)
			break
		}
		appendTxs(t, n, c, txs...)
	}
	wantSuspended(t, c, 1)
}
