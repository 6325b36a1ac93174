package chain_test

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/genesis"
)

// TestCheckpoint: the data of an epoch's last block is what a certificate must
// say; the newest certificate survives a restart and never goes back.
func TestCheckpoint(t *testing.T) {
	n := chaintest.New(4, 1, func(g *genesis.Genesis) { g.Params.EpochLength = 3 })
	fs := vfs.NewMem()
	node := must[*chaintest.Node](t)(n.Open(fs, "node", chain.Options{}))
	c := node.Chain
	if c.Checkpoint() != nil {
		t.Fatal("a checkpoint before the first")
	}
	var certs []*consensus.CheckpointCertificate
	for number := uint64(1); number <= 6; number++ {
		h := must[*types.Header](t)(n.Append(c))
		e := consensus.Epoch((number - 1) / 3)
		if number%3 != 0 {
			if _, err := c.CheckpointData(e); !errors.Is(err, chain.ErrNotFound) {
				t.Fatalf("data of epoch %d, which has not ended: %v", e, err)
			}
			continue
		}
		d := must[chain.CheckpointData](t)(c.CheckpointData(e))
		want := chain.CheckpointData{Epoch: e, Seq: consensus.Seq(number), BlockHash: h.Hash(), StateRoot: h.Root, NextSet: consensus.NextSetHash(e+1, n.Set, nil, n.Genesis.Params.Hash())}
		if d != want {
			t.Fatalf("checkpoint data %+v, want %+v", d, want)
		}
		certs = append(certs, n.CertifyCheckpoint(d))
	}
	wrong := *certs[1]
	wrong.StateRoot[0]++
	var d *chain.Divergence
	if err := c.SetCheckpoint(&wrong); !errors.As(err, &d) || d.Own.Number.Uint64() != 6 {
		t.Fatalf("a checkpoint of another state: %v", err)
	}
	future := *certs[1]
	future.Epoch, future.Seq = 2, 9
	if err := c.SetCheckpoint(&future); !errors.Is(err, chain.ErrNotFound) {
		t.Fatalf("a checkpoint above the head: %v", err)
	}
	fatal(t, c.SetCheckpoint(certs[1]))
	fatal(t, c.SetCheckpoint(certs[0])) // older: nothing happens
	fatal(t, node.DB.Close())
	node = must[*chaintest.Node](t)(n.Open(fs, "node", chain.Options{}))
	defer node.DB.Close()
	cp := node.Chain.Checkpoint()
	if cp == nil || cp.Seq != 6 {
		t.Fatalf("after the restart the checkpoint is %+v", cp)
	}
	fatal(t, cp.Verify(n.Domain, n.Set))
}
