package chain

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/store"
)

// CheckpointData is what a CHECKPOINT vote signs about the last block of an
// epoch.
type CheckpointData struct {
	Epoch     consensus.Epoch
	Seq       consensus.Seq
	BlockHash common.Hash
	StateRoot common.Hash
	NextSet   common.Hash // consensus.EpochRules.Hash of the epoch that follows
}

// CheckpointData returns the checkpoint data of an epoch whose last block is
// final, and ErrNotFound before.
func (c *Chain) CheckpointData(e consensus.Epoch) (CheckpointData, error) {
	ended, err := c.Epoch(e)
	if err != nil {
		return CheckpointData{}, err
	}
	s, err := c.sealed(uint64(ended.Last()))
	if err != nil {
		return CheckpointData{}, err
	}
	next, err := c.Epoch(e + 1)
	if err != nil {
		return CheckpointData{}, err
	}
	if next.Recovery != (common.Hash{}) {
		return CheckpointData{}, fmt.Errorf("%w: epoch %d ended with block %d by a recovery, not by a checkpoint", ErrNotFound, e, next.First-1)
	}
	return CheckpointData{Epoch: e, Seq: ended.Last(), BlockHash: s.hash, StateRoot: s.Header.Root, NextSet: next.Hash()}, nil
}

// SetCheckpoint keeps the newest stable checkpoint, durable with the next block:
// the journal of votes holds it too. The certificate must be verified and its block final; an older one than the present changes
// nothing. One that contradicts the chain is a *Divergence.
func (c *Chain) SetCheckpoint(cert *consensus.CheckpointCertificate) error {
	c.write.Lock()
	defer c.write.Unlock()
	if now := c.checkpoint.Load(); now != nil && cert.Seq <= now.Seq {
		return nil
	}
	d, err := c.CheckpointData(cert.Epoch)
	if err != nil {
		return fmt.Errorf("chain: checkpoint of block %d: %w", cert.Seq, err)
	}
	if have := (CheckpointData{cert.Epoch, cert.Seq, cert.BlockHash, cert.StateRoot, cert.NextSet}); have != d {
		h, err := c.Header(uint64(d.Seq))
		return errors.Join(&Divergence{Number: uint64(cert.Seq), Own: h, Hash: cert.BlockHash}, err,
			fmt.Errorf("chain: the stable checkpoint says %+v, here it is %+v", have, d))
	}
	b := c.db.NewBatch()
	defer b.Close()
	if err := b.Set(store.CheckpointKey(), mustRLP(cert)); err != nil {
		return err
	}
	past := c.checkpoint.Load()
	if past != nil {
		if err := b.Set(store.PastCheckpointKey(), mustRLP(past)); err != nil {
			return err
		}
	}
	if next, err := c.Epoch(cert.Epoch + 1); err != nil {
		return err
	} else if next.SetSince == next.Epoch {
		if err := b.Set(store.LinkKey(uint64(cert.Seq)), mustRLP(cert)); err != nil {
			return err
		}
	}
	if err := c.db.Apply(b, false); err != nil {
		return fmt.Errorf("chain: write the stable checkpoint of block %d: %w", cert.Seq, err)
	}
	c.checkpoint.Store(cert)
	c.past.Store(past)
	return nil
}

// Checkpoint returns the newest stable checkpoint, nil before the first.
func (c *Chain) Checkpoint() *consensus.CheckpointCertificate { return c.checkpoint.Load() }

// Checkpoints returns the newest stable checkpoint and the one that this node saw
// before it, each nil if there is none.
func (c *Chain) Checkpoints() (last, before *consensus.CheckpointCertificate) {
	return c.checkpoint.Load(), c.past.Load()
}

func (c *Chain) loadCheckpoint(head *Sealed) error {
	for _, x := range []struct {
		key []byte
		to  *atomic.Pointer[consensus.CheckpointCertificate]
	}{{store.PastCheckpointKey(), &c.past}, {store.CheckpointKey(), &c.checkpoint}} {
		row, err := c.db.Get(x.key)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		cert := new(consensus.CheckpointCertificate)
		if err := rlp.DecodeBytes(row, cert); err != nil {
			return fmt.Errorf("chain: damaged checkpoint row: %w", err)
		}
		if uint64(cert.Seq) > head.number() {
			return fmt.Errorf("chain: the stable checkpoint is at block %d, the head at %d: the database is damaged", cert.Seq, head.number())
		}
		x.to.Store(cert)
	}
	return nil
}
