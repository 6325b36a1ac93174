package chain

import (
	"context"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/index"
	"github.com/quorate/quorate/registry"
	"github.com/quorate/quorate/state"
	"github.com/quorate/quorate/store"
)

// This file is how a chain that is at block 0 goes to a pivot at once. Everything is
// staged first (package store) and then adopted with the state, in one step.

// ErrBegun says that a chain cannot begin at a pivot any more: it has blocks.
var ErrBegun = errors.New("chain: it has blocks of its own already, only an empty one can begin with a snapshot")

// ErrPruned says that a block, or a part of it, is not kept here because the chain
// of this node began after it.
type ErrPruned struct {
	Number uint64
	Oldest uint64 // the oldest block that is here whole, but for block 0
	Header uint64 // the oldest header, but for block 0's
}

func (e *ErrPruned) Error() string {
	return fmt.Sprintf("chain: block %d is not kept here: this node began with a snapshot at block %d and has headers from block %d on; ask a node that has synced by blocks", e.Number, e.Oldest, e.Header)
}

// origin is where the chain of this node began, if that was not block 0.
type origin struct {
	Number uint64           // of the pivot
	Header uint64           // of the first of the headers that lead to it without a gap
	Epoch  consensus.Epoch  // of the pivot: the oldest whose row is certain to be here
	Before []common.Address // the set of the epoch before
}

var metaOrigin = store.MetaKey("origin") // origin in RLP

// Origin returns the number of the oldest block that is here whole, but for block
// 0: 0 on a node that has synced by blocks.
func (c *Chain) Origin() uint64 { return c.origin.Load().Number }

func (c *Chain) loadOrigin() error {
	o := new(origin)
	row, err := c.db.Get(metaOrigin)
	if err == nil {
		err = rlp.DecodeBytes(row, o)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("chain: damaged row of where the chain began: %w", err)
	}
	c.origin.Store(o)
	return nil
}

// absent turns "not found" of a block at or below the head into *ErrPruned where
// that is the reason.
func (c *Chain) absent(number uint64, err error) error {
	if o := c.origin.Load(); number < o.Number && errors.Is(err, store.ErrNotFound) {
		return &ErrPruned{Number: number, Oldest: o.Number, Header: o.Header}
	}
	return err
}

// SetBefore returns the set of the epoch before x: also where the row of that epoch
// is not here because the chain began with x.
func (c *Chain) SetBefore(x *registry.Epoch) (*consensus.ValidatorSet, error) {
	if o := c.origin.Load(); o.Number > 0 && o.Epoch == x.Epoch {
		return consensus.NewValidatorSet(o.Before)
	}
	before, err := c.Epoch(x.Epoch - 1)
	if err != nil {
		return nil, err
	}
	return before.Set, nil
}

// StagePivot stages the rows of the chain beside a state that state.Rebuild has
// accepted for the anchor's root.
func (c *Chain) StagePivot(a *Anchor, r *Recent) error {
	b := c.db.NewStagedBatch()
	defer b.Close()
	for _, stage := range []func(*store.Batch, *Anchor, *Recent) error{c.stageEpochs, c.stageRecent, c.stageOrigin} {
		if err := stage(b, a, r); err != nil {
			return fmt.Errorf("chain: begin at block %d: %w", a.Number, err)
		}
	}
	if err := c.state.StageHead(b, state.Head{Number: a.Number, Hash: a.Hash, Root: a.Root}); err != nil {
		return err
	}
	return c.db.Apply(b, true)
}

// stageEpochs writes the epochs with which sets began, the pivot's own, the next
// one, and the certificates between them. The next one is read from the state, and
// must be what the pivot's certificate signs.
func (c *Chain) stageEpochs(b *store.Batch, a *Anchor, _ *Recent) error {
	for _, l := range a.pivot.Links {
		rules := a.sinceOf(l.Certificate.Epoch + 1)
		row := &registry.Epoch{EpochRules: rules, Members: nameless(rules.Set), SetSince: rules.Epoch}
		if err := errors.Join(b.Set(store.EpochKey(uint64(rules.Epoch)), encodeEpoch(row)), b.Set(store.LinkKey(uint64(l.Certificate.Seq)), mustRLP(l.Certificate))); err != nil {
			return err
		}
	}
	now := &registry.Epoch{EpochRules: a.rules, Members: nameless(a.rules.Set), SetSince: a.sinceOf(a.Epoch).Epoch}
	next, err := c.epochAfter(now)
	if err != nil {
		return err
	}
	cert := a.pivot.Certificate
	if next.Hash() != cert.NextSet {
		return fmt.Errorf("the certified state opens epoch %d with rules %s, its certificate says %s: this release does not read the system contracts as the network does", next.Epoch, next.Hash(), cert.NextSet)
	}
	if next.SetSince == next.Epoch {
		if err := b.Set(store.LinkKey(uint64(cert.Seq)), mustRLP(cert)); err != nil {
			return err
		}
	}
	if p := a.pivot.Before; p != nil {
		if err := b.Set(store.PastCheckpointKey(), mustRLP(p)); err != nil {
			return err
		}
	}
	if a.Epoch > 0 {
		if err := b.Set(store.EpochKey(uint64(now.Epoch)), encodeEpoch(now)); err != nil {
			return err
		}
	}
	return errors.Join(b.Set(store.EpochKey(uint64(next.Epoch)), encodeEpoch(next)), b.Set(store.CheckpointKey(), mustRLP(cert)))
}

// nameless are members of whom nothing but the validator is known: their nodes are
// in no certificate, and nobody of the past is to be let in.
func nameless(set *consensus.ValidatorSet) []registry.Member {
	var out []registry.Member
	for _, a := range set.Addresses() {
		out = append(out, registry.Member{Validator: a})
	}
	return out
}

// epochAfter reads the next epoch from the staged state.
func (c *Chain) epochAfter(now *registry.Epoch) (*registry.Epoch, error) {
	read, failed := state.StagedSlots(c.db)
	next := c.open(read, now)
	next.Suspended = registry.Suspended(stagedSuspensions(read), next.Epoch)
	return next, failed()
}

// stagedSuspensions is the storage of the system account in the staged state.
type stagedSuspensions registry.ReadSlot

// Slot implements registry.Slots.
func (s stagedSuspensions) Slot(key common.Hash) common.Hash {
	return s(genesis.SuspensionAccount, key)
}

// stageRecent writes the headers, and the pivot as a whole block.
func (c *Chain) stageRecent(b *store.Batch, a *Anchor, r *Recent) error {
	for _, s := range r.headers {
		row, err := encodeSealed(s)
		if err != nil {
			return err
		}
		if err := errors.Join(b.Set(store.HeaderKey(s.number()), row), b.Set(store.NumberKey(s.hash), encodeNumber(s.number()))); err != nil {
			return err
		}
	}
	txs := r.block.Transactions()
	if err := errors.Join(b.Set(store.BodyKey(a.Number), mustRLP(txs)), b.Set(store.ReceiptsKey(a.Number), encodeReceipts(r.receipts))); err != nil {
		return err
	}
	for i, tx := range txs {
		if err := b.Set(store.LookupKey(tx.Hash(), a.Number, uint64(i)), nil); err != nil {
			return err
		}
	}
	created, err := c.evidentIn(txs, r.receipts)
	if err != nil {
		return err
	}
	for _, x := range c.indexers {
		if err := x.Begin(b, &index.Final{Block: r.block, Receipts: r.receipts, Created: created}); err != nil {
			return err
		}
	}
	return nil
}

func (c *Chain) stageOrigin(b *store.Batch, a *Anchor, _ *Recent) error {
	o := origin{Number: a.Number, Header: recentFrom(a.Number), Epoch: a.Epoch}
	if a.Epoch > 0 {
		o.Before = a.setOf(a.Epoch - 1).Addresses()
	}
	return b.Set(metaOrigin, mustRLP(&o))
}

// Adopt makes the pivot the head, with everything that was staged: see StagePivot.
// ErrBegun says that blocks came first; the staged rows stay. Subscriptions end,
// since there are no events for the blocks up to the pivot.
func (c *Chain) Adopt(ctx context.Context, rows *store.Adoption) error {
	c.write.Lock()
	defer c.write.Unlock()
	if n := c.head.Load().number(); n > 0 {
		return fmt.Errorf("%w: its head is %d", ErrBegun, n)
	}
	c.cut(0)
	if err := rows.Adopt(ctx); err != nil {
		return err
	}
	if err := c.state.Reload(); err != nil {
		return err
	}
	c.epochs.Purge()
	if err := c.load(); err != nil {
		return err
	}
	c.subscribers.endAll(ErrJumped)
	c.log.Info("the chain begins with a snapshot", "head", c.head.Load().number(), "hash", c.head.Load().hash)
	return nil
}
