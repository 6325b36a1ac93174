package contractstest

import (
	"context"
	"crypto/ecdsa"
	"fmt"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/keys"
	"github.com/quorate/quorate/recovery"
)

// RecoveryKey is one of the three keys of which two recover a network of NewRecoverable.
func RecoveryKey(i int) *ecdsa.PrivateKey { return chaintest.Key(fmt.Sprintf("recovery %d", i)) }

// NewRecoverable is New with epochs of ten blocks and keys that recover the network.
func NewRecoverable(tb TB, validators int) *World {
	tb.Helper()
	return New(tb, validators, func(g *genesis.Genesis) {
		g.Params.EpochLength = 10
		for i := range 3 {
			g.Recovery.Keys = append(g.Recovery.Keys, crypto.PubkeyToAddress(RecoveryKey(i).PublicKey))
		}
		g.Recovery.Threshold = 2
	})
}

// Recovery is the document that ends the epoch of a chain with its head, signed by
// these of the recovery keys, for members with these names.
func (w *World) Recovery(c *chain.Chain, signers []int, names ...string) *recovery.Document {
	w.tb.Helper()
	head, now := c.HeadSealed(), c.CurrentEpoch()
	d := &recovery.Document{
		Genesis: c.Genesis(), Ends: now.Epoch, Number: consensus.Seq(head.Header.Number.Uint64()), BlockHash: head.Hash(),
		StateRoot: head.Header.Root, Params: now.Params.Hash(),
	}
	for _, name := range names {
		d.Members = append(d.Members, recovery.Member{Address: w.Actor(name).Address, NodeID: NodeBytes(name), Name: name})
	}
	d.Order()
	w.SignRecovery(d, signers...)
	return d
}

// SignRecovery adds the signatures of these of the recovery keys.
func (w *World) SignRecovery(d *recovery.Document, signers ...int) {
	w.tb.Helper()
	for _, i := range signers {
		if err := d.Sign(context.Background(), keys.NewFileSigner(RecoveryKey(i)), w.Domain, w.Genesis.Recovery); err != nil {
			w.tb.Fatalf("recovery key %d: %v", i, err)
		}
	}
}
