package node

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/keys"
	"github.com/quorate/quorate/registry"
)

// This file is how a node whose key the members have voted in becomes a validator
// without anybody's help: when it has caught up it attests.

const (
	// attestGas is about twice what attest takes with the longest names.
	attestGas = 1 << 20
	// attestSlack is how many blocks a node may be behind what its peers tell, and
	// count as one that has caught up: under load it always is behind by some. The
	// contract takes 256.
	attestSlack = 16
	// attestEvery is how often a node looks whether it is a candidate.
	attestEvery = 250 * time.Millisecond
	// attestAgain is how long after an attestation that had no effect the next one is
	// sent; one that still waits in the pool is not repeated.
	attestAgain = 10 * time.Second
)

// attester is what a node remembers of its attestations.
type attester struct {
	n    *Node
	sent common.Hash
	at   time.Time
}

// attest attests whenever it is due, until ctx ends.
func (n *Node) attest(ctx context.Context) error {
	if n.keys.signer == nil {
		<-ctx.Done()
		return nil
	}
	a := &attester{n: n}
	tick := time.NewTicker(attestEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := a.look(ctx); err != nil && ctx.Err() == nil {
				n.log.Warn("attesting as a candidate", "err", err)
			}
		}
	}
}

// look attests if it is due.
func (a *attester) look(ctx context.Context) error {
	n := a.n
	if n.chain.MembersVersion().Nodes.Candidates == 0 {
		return nil
	}
	due, err := n.candidate()
	if !due || err != nil || !n.caughtUp() {
		return err
	}
	if a.sent != (common.Hash{}) && (n.pool.Get(a.sent) != nil || time.Since(a.at) < attestAgain) {
		return nil
	}
	head := n.chain.HeadSealed()
	tx, err := n.attestation(ctx, head.Header.Number, head.Hash())
	if err != nil {
		return err
	}
	a.sent, a.at = tx.Hash(), time.Now() // also if the pool refuses it: it may do so again
	if err := n.pool.Add(ctx, tx); err != nil {
		return err
	}
	n.log.Info("the members have voted this validator in and it has caught up: it attests", "validator", n.keys.address(), "block", head.Header.Number, "tx", tx.Hash())
	return nil
}

// candidate reports whether this node's validator is one at the head, in time.
func (n *Node) candidate() (bool, error) {
	v, err := n.chain.StateAtHead()
	if err != nil {
		return false, err
	}
	c, ok, err := registry.ReadCandidate(v.StateDB.GetState, n.keys.address())
	if err = errors.Join(err, v.StateDB.Error(), v.Close()); err != nil {
		return false, fmt.Errorf("candidates in the state: %w", err)
	}
	return ok && time.Now().Unix() <= int64(c.Until), nil
}

// caughtUp reports whether this node has about every block that its peers tell of,
// and is connected to as many validators as it will have to vote with.
func (n *Node) caughtUp() bool {
	report := n.Report()
	connected := 0
	for _, v := range report.Validators {
		if v.Connected {
			connected++
		}
	}
	return connected >= report.Quorum && n.follower.Behind() <= attestSlack
}

// attestation makes the transaction.
func (n *Node) attestation(ctx context.Context, number *big.Int, hash common.Hash) (*types.Transaction, error) {
	to := contracts.Validators
	data, err := to.ABI().Pack("attest", number, hash)
	if err != nil {
		return nil, err
	}
	price := new(big.Int).SetUint64(n.chain.CurrentEpoch().Params.MinGasPrice)
	return keys.SignTransaction(ctx, n.keys.signer, &types.DynamicFeeTx{
		ChainID: new(big.Int).SetUint64(n.genesis.ChainID), Nonce: n.pool.PendingNonce(n.keys.address()),
		GasTipCap: price, GasFeeCap: price, Gas: attestGas, To: &to.Address, Value: new(big.Int), Data: data,
	})
}
