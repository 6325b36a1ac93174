package chain

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/recovery"
	"github.com/quorate/quorate/registry"
	"github.com/quorate/quorate/store"
)

// This file ends epochs by the recovery keys of the genesis, where too many validators
// are lost to end them by a checkpoint. A recovery takes effect at its block and
// nowhere else: a node that is not there yet keeps it, and one that is beyond refuses
// it, for no final block is ever taken back.

// ErrBeyond says that this node holds a final block above the one with which a
// recovery ends an epoch.
var ErrBeyond = errors.New("chain: this node has final blocks that the recovery would take away")

// recovered is a recovery that this node holds.
type recovered struct {
	*recovery.Document
	digest common.Hash
}

// Recovery is one that this node holds, for those who show it.
type Recovery struct {
	*recovery.Document
	Digest  common.Hash
	Waiting bool // the chain has not reached its block
}

// Recoveries returns what this node holds, by ascending block.
func (c *Chain) Recoveries() []Recovery {
	head := c.head.Load().number()
	var out []Recovery
	for _, x := range *c.recoveries.Load() {
		out = append(out, Recovery{x.Document, x.digest, uint64(x.Number) > head})
	}
	return out
}

// Recovered reports whether a recovery has made block number the last of its epoch.
func (c *Chain) Recovered(number uint64) bool {
	return c.recoveryAt(consensus.Seq(number)) != nil && number <= c.head.Load().number()
}

func (c *Chain) recoveryAt(number consensus.Seq) *recovered {
	for _, x := range *c.recoveries.Load() {
		if x.Number == number {
			return &x
		}
	}
	return nil
}

// CheckRecovery reports whether Recover would accept a document, and whether this node
// holds it already.
func (c *Chain) CheckRecovery(d *recovery.Document) (held bool, err error) {
	c.write.Lock()
	defer c.write.Unlock()
	_, held, err = c.checkRecovery(d)
	return held, err
}

// Recover makes a recovery durable. At its block it takes effect, below it waits until
// the chain is there. One that is held already changes nothing. What is refused:
// a document that does not verify by the genesis, a second one for the same epoch
// (*recovery.Contradiction), one below the head (ErrBeyond), and one that does not fit
// the chain (registry.ErrRecovery).
func (c *Chain) Recover(d *recovery.Document) error {
	c.write.Lock()
	defer c.write.Unlock()
	return c.recover(d)
}

func (c *Chain) recover(d *recovery.Document) error {
	opened, held, err := c.checkRecovery(d)
	if err != nil || held {
		return err
	}
	x := recovered{d, d.Digest(c.domain)}
	b := c.db.NewBatch()
	defer b.Close()
	if err := b.Set(store.RecoveryKey(uint64(d.Number)), d.EncodeBytes()); err != nil {
		return err
	}
	if opened != nil {
		if err := b.Set(store.EpochKey(uint64(opened.Epoch)), encodeEpoch(opened)); err != nil {
			return err
		}
	}
	if err := c.db.Apply(b, true); err != nil {
		return fmt.Errorf("chain: write the recovery of epoch %d: %w", d.Ends, err)
	}
	list := append(slices.Clone(*c.recoveries.Load()), x)
	slices.SortFunc(list, func(a, b recovered) int { return int(a.Number) - int(b.Number) })
	c.recoveries.Store(&list)
	if opened != nil {
		c.begin(opened, x)
	}
	return nil
}

// checkRecovery returns the epoch that a document opens now, nil if it must wait for
// its block, or that it is held already.
func (c *Chain) checkRecovery(d *recovery.Document) (opened *registry.Epoch, held bool, err error) {
	if err := d.Verify(c.domain, c.recoverers); err != nil {
		return nil, false, err
	}
	digest := d.Digest(c.domain)
	for _, x := range *c.recoveries.Load() {
		if x.digest == digest {
			return nil, true, nil
		}
		if err := recovery.Contradict(x.Document, d, c.domain); err != nil {
			return nil, false, err
		}
	}
	switch head := c.head.Load(); {
	case uint64(d.Number) < head.number():
		return nil, false, c.beyond(d)
	case uint64(d.Number) > head.number():
		if now := c.epoch.Load(); d.Ends < now.Epoch {
			return nil, false, fmt.Errorf("%w: it ends epoch %d with block %d, here block %d is of epoch %d already", registry.ErrRecovery, d.Ends, d.Number, now.First, now.Epoch)
		}
		return nil, false, nil
	}
	opened, err = c.recoveredEpoch(d, digest)
	return opened, false, err
}

// beyond says what would be lost.
func (c *Chain) beyond(d *recovery.Document) error {
	head, at := c.head.Load(), "another one"
	if own, err := c.sealed(uint64(d.Number)); err == nil && own.hash == d.BlockHash {
		at = "the same"
	}
	return fmt.Errorf("%w: it ends epoch %d with block %d %s (here that is %s), the head here is block %d %s of epoch %d, which a quorum has signed; blocks are never taken back: have a recovery signed that ends with the highest block of all nodes, or, if the others have gone on without this one, keep this data directory as evidence and sync a new one",
		ErrBeyond, d.Ends, d.Number, d.BlockHash, at, head.number(), head.hash, head.BatchHeader.Epoch)
}

// recoveredEpoch returns what a document opens at the head, which must be its block.
func (c *Chain) recoveredEpoch(d *recovery.Document, digest common.Hash) (*registry.Epoch, error) {
	head := c.head.Load()
	if head.hash != d.BlockHash || head.Header.Root != d.StateRoot {
		return nil, fmt.Errorf("%w: its block %d is %s with state %s, here it is %s with state %s", registry.ErrRecovery, d.Number, d.BlockHash, d.StateRoot, head.hash, head.Header.Root)
	}
	v, err := c.state.Latest()
	if err != nil {
		return nil, err
	}
	opened, err := c.registry.Recover(d, digest, c.epoch.Load(), v.StateDB.GetState)
	if err = errors.Join(err, v.StateDB.Error(), v.Close()); err != nil {
		return nil, err
	}
	return opened, nil
}

// begin enters the epoch that a recovery opens. Until its first block has written the
// new members into the state, a change is pending: the primary makes that block at once.
func (c *Chain) begin(opened *registry.Epoch, x recovered) {
	c.cut(0) // executed by the rules of the epoch that is over
	members := *c.members.Load()
	members.Epoch = opened.Epoch
	c.enter(outcome{opens: opened, pending: true, members: members, forks: c.UnknownForks()})
	c.log.Warn("the network is recovered: a new validator set decides", "recovery", x.digest, "epoch", opened.Epoch, "validators", opened.Set.Len(), "after block", x.Number)
}

// reach has the recovery that waits for the new head take effect. A power cut before it
// is durable repeats it.
func (c *Chain) reach() error {
	x := c.recoveryAt(consensus.Seq(c.head.Load().number()))
	if x == nil || c.epoch.Load().Epoch > x.Ends {
		return nil
	}
	opened, err := c.recoveredEpoch(x.Document, x.digest)
	if err != nil {
		return err
	}
	b := c.db.NewBatch()
	defer b.Close()
	if err := b.Set(store.EpochKey(uint64(opened.Epoch)), encodeEpoch(opened)); err != nil {
		return err
	}
	if err := c.db.Apply(b, true); err != nil {
		return fmt.Errorf("chain: write epoch %d: %w", opened.Epoch, err)
	}
	c.begin(opened, *x)
	return nil
}

// loadRecoveries reads what this node holds.
func (c *Chain) loadRecoveries() error {
	c.recoveries.Store(new([]recovered))
	it, err := c.db.NewIter(store.Space(store.PrefixRecovery))
	if err != nil {
		return err
	}
	var list []recovered
	for ok := it.First(); ok; ok = it.Next() {
		d, err := recovery.DecodeBytes(it.Value())
		if err != nil {
			return errors.Join(fmt.Errorf("chain: damaged recovery at %x: %w", it.Key(), err), it.Close())
		}
		list = append(list, recovered{d, d.Digest(c.domain)})
	}
	if err := it.Close(); err != nil {
		return fmt.Errorf("chain: read the recoveries: %w", err)
	}
	c.recoveries.Store(&list)
	return nil
}

// verifyRecovered checks the recovery beside the first block of an epoch, and returns
// that epoch as far as the block's proof needs it. It is ErrNotFound until the block
// before is here.
func (c *Chain) verifyRecovered(b *SealedBlock) (*registry.Epoch, error) {
	d, cert := b.Recovery, b.Certificate
	switch {
	case d.First() != b.BatchHeader.Seq || d.Opens() != cert.Epoch:
		return nil, invalid("the recovery beside block %d of epoch %d opens epoch %d with block %d", b.BatchHeader.Seq, cert.Epoch, d.Opens(), d.First())
	case d.BlockHash != b.Header.ParentHash:
		return nil, invalid("the recovery beside block %d is after block %s, the parent is %s", d.First(), d.BlockHash, b.Header.ParentHash)
	case b.Link != nil:
		return nil, invalid("block %d has a recovery and a checkpoint certificate beside it", d.First())
	}
	if err := d.Verify(c.domain, c.recoverers); err != nil {
		return nil, invalid("the recovery beside block %d: %w", d.First(), err)
	}
	digest := d.Digest(c.domain)
	for _, x := range *c.recoveries.Load() {
		if err := recovery.Contradict(x.Document, d, c.domain); err != nil {
			return nil, invalid("the recovery beside block %d: %w", d.First(), err)
		}
	}
	ended, err := c.Epoch(d.Ends)
	if err != nil {
		return nil, err
	}
	if have, err := c.Epoch(d.Opens()); err == nil && have.Recovery != digest {
		return nil, invalid("the recovery beside block %d would end epoch %d, which ended with block %d and a checkpoint", d.First(), d.Ends, have.First-1)
	}
	return &registry.Epoch{EpochRules: &consensus.EpochRules{Epoch: d.Opens(), First: d.First(), Set: d.Set(), Params: ended.Params}, Recovery: digest}, nil
}

// notOver refuses a block of an epoch that has ended before it: whoever still has the
// keys of a set that was recovered from can sign blocks with them for ever.
func (c *Chain) notOver(epoch *registry.Epoch, seq consensus.Seq) error {
	next, err := c.Epoch(epoch.Epoch + 1)
	if err == nil && next.First <= seq {
		return invalid("block %d is not of epoch %d, which ended with block %d by recovery %s", seq, epoch.Epoch, next.First-1, next.Recovery)
	}
	return nil
}

// opener returns the recovery that a block must write into the state: that which has
// opened its epoch, if it is the first block.
func (c *Chain) opener(now *registry.Epoch, seq consensus.Seq) *recovered {
	if now.Recovery == (common.Hash{}) || seq != now.First {
		return nil
	}
	return c.recoveryAt(seq - 1)
}
