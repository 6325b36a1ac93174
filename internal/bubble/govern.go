package bubble

import (
	"context"
	"math/big"
	"path/filepath"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/keys"
	"github.com/quorate/quorate/node"
)

// governGas is more than any call of a system contract takes.
const governGas = 3_000_000

// Signer returns the member's validator key.
func (m *Member) Signer() keys.Signer {
	m.c.T.Helper()
	s, err := keys.LoadKeystore(filepath.Join(m.Dir, "keystore"), filepath.Join(m.Dir, "password"))
	if err != nil {
		m.c.T.Fatal(err)
	}
	return s
}

// Call sends a transaction of the member's validator key to a system contract,
// through the pool of its own node, and returns its hash.
func (m *Member) Call(s keys.Signer, to contracts.Contract, method string, args ...any) common.Hash {
	m.c.T.Helper()
	data, err := to.ABI().Pack(method, args...)
	if err != nil {
		m.c.T.Fatal(err)
	}
	var hash common.Hash
	m.ask(func(n *node.Node) {
		tx, err := keys.SignTransaction(context.Background(), s, &types.DynamicFeeTx{
			ChainID: new(big.Int).SetUint64(m.c.Genesis.ChainID), Nonce: n.Pool().PendingNonce(s.Address()),
			GasTipCap: new(big.Int), GasFeeCap: new(big.Int), Gas: governGas, To: &to.Address, Value: new(big.Int), Data: data,
		})
		if err == nil {
			err = n.Pool().Add(context.Background(), tx)
		}
		if err != nil {
			m.c.T.Fatalf("%s of %s: %v", method, to.Name, err)
		}
		hash = tx.Hash()
	})
	return hash
}

// Decide has the members propose a call of a contract to itself and vote for it.
func (c *Cluster) Decide(id uint64, by []*Member, to contracts.Contract, method string, args ...any) {
	c.T.Helper()
	action, err := to.ABI().Pack(method, args...)
	if err != nil {
		c.T.Fatal(err)
	}
	c.Final(by[0], by[0].Call(by[0].Signer(), to, "propose", action))
	for _, m := range by[1:] {
		c.Final(m, m.Call(m.Signer(), to, "vote", new(big.Int).SetUint64(id), true))
	}
}

// Final waits until a transaction is final at a member, and fails the test unless it
// succeeded.
func (c *Cluster) Final(m *Member, tx common.Hash) {
	c.T.Helper()
	c.Within(time.Minute, "a transaction of the members is final", func() bool {
		ok := false
		m.ask(func(n *node.Node) {
			number, index, found, err := n.Chain().Lookup(tx)
			if err != nil || !found {
				return
			}
			receipts, err := n.Chain().Receipts(number)
			if err != nil {
				return
			}
			if ok = true; receipts[index].Status != types.ReceiptStatusSuccessful {
				c.T.Fatalf("transaction %s of block %d failed", tx, number)
			}
		})
		return ok
	})
}
