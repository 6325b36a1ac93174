package e2e

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
)

// transferGas is what a plain transfer costs.
const transferGas = 21_000

// account signs transactions with the nonce that comes next.
type account struct {
	t       testing.TB
	key     *ecdsa.PrivateKey
	address common.Address
	signer  types.Signer
	chainID *big.Int
	nonce   uint64
}

// account returns funded account i of the devnet, with its nonce of now.
func (d *devnet) account(i int) *account {
	d.t.Helper()
	key, err := crypto.ToECDSA(d.Accounts[i].PrivateKey)
	if err != nil {
		d.t.Fatal(err)
	}
	id := new(big.Int).SetUint64(d.ChainID)
	a := &account{t: d.t, key: key, address: crypto.PubkeyToAddress(key.PublicKey), signer: types.LatestSignerForChainID(id), chainID: id}
	if a.nonce, err = d.Validators[0].eth.PendingNonceAt(d.t.Context(), a.address); err != nil {
		d.t.Fatal(err)
	}
	return a
}

// sign signs any transaction.
func (a *account) sign(tx types.TxData) *types.Transaction {
	a.t.Helper()
	signed, err := types.SignNewTx(a.key, a.signer, tx)
	if err != nil {
		a.t.Fatal(err)
	}
	return signed
}

// transfer signs a gas-free transfer and counts the nonce.
func (a *account) transfer(to common.Address, wei int64) *types.Transaction {
	a.t.Helper()
	tx := a.sign(&types.DynamicFeeTx{
		ChainID: a.chainID, Nonce: a.nonce, Gas: transferGas, To: &to, Value: big.NewInt(wei),
		GasFeeCap: new(big.Int), GasTipCap: new(big.Int),
	})
	a.nonce++
	return tx
}

// send sends a transaction to a node, which must take it.
func send(t testing.TB, n *node, tx *types.Transaction) common.Hash {
	t.Helper()
	if err := n.eth.SendTransaction(t.Context(), tx); err != nil {
		t.Fatalf("%s refuses %s: %v", n.Name, tx.Hash(), err)
	}
	return tx.Hash()
}

// final waits for the receipt of a transaction on a node.
func final(t testing.TB, n *node, tx common.Hash) *types.Receipt {
	t.Helper()
	var r *types.Receipt
	eventually(t, commitLimit, "receipt on "+n.Name, func(ctx context.Context) (err error) {
		if r, err = n.receipt(ctx, tx); err == nil && r == nil {
			err = errors.New("no receipt yet")
		}
		return err
	})
	return r
}

// fresh is an address that nobody has used.
func fresh(t testing.TB) common.Address {
	t.Helper()
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return crypto.PubkeyToAddress(key.PublicKey)
}
