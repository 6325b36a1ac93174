package chain

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/registry"
	"github.com/quorate/quorate/state"
	"github.com/quorate/quorate/store"
)

// This file is how blocks open epochs. What an epoch is opened with is a row of its
// own, written with the block that ends the one before: it is asked for long after
// the state of that block is pruned.

// outcome is what a block means for the epochs.
type outcome struct {
	opens   *registry.Epoch // by the last block of an epoch: the next one
	pending bool            // other rules wait for the end of the epoch
	members MembersVersion
	forks   []registry.Fork // in its state: those that this build does not know
	err     error           // of a recovery that cannot be written: the storage is none of the contracts'
}

// Epoch returns what an epoch was opened with, or ErrNotFound until the last block
// of the one before is final.
func (c *Chain) Epoch(e consensus.Epoch) (*registry.Epoch, error) {
	if now := c.epoch.Load(); now.Epoch == e {
		return now, nil
	}
	return c.readEpoch(e)
}

// readEpoch is Epoch for any but the present one.
func (c *Chain) readEpoch(e consensus.Epoch) (*registry.Epoch, error) {
	if x, ok := c.epochs.Get(e); ok {
		return x, nil
	}
	row, err := c.db.Get(store.EpochKey(uint64(e)))
	if o := c.origin.Load(); errors.Is(err, store.ErrNotFound) && o.Number > 0 && e < o.Epoch {
		return nil, fmt.Errorf("epoch %d: %w", e, &ErrPruned{Number: o.Header, Oldest: o.Number, Header: o.Header})
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("%w: epoch %d has not begun", ErrNotFound, e)
	}
	if err != nil {
		return nil, err
	}
	x, err := decodeEpoch(e, row)
	if err != nil {
		return nil, err
	}
	c.epochs.Add(e, x)
	return x, nil
}

// EpochOf returns the epoch that decides a block, which is at most one above the
// head, else ErrNotFound. Block 0 belongs to the first.
func (c *Chain) EpochOf(number uint64) (*registry.Epoch, error) {
	if now := c.epoch.Load(); now.Owns(consensus.Seq(number)) {
		return now, nil
	}
	if number == 0 {
		return c.Epoch(0)
	}
	s, err := c.sealed(number)
	if err != nil {
		return nil, err
	}
	return c.Epoch(s.BatchHeader.Epoch)
}

// CurrentEpoch returns the epoch of the next block.
func (c *Chain) CurrentEpoch() *registry.Epoch { return c.epoch.Load() }

// ChangePending reports whether by the state of the head the next epoch has another
// set or other parameters than the epoch of the next block.
func (c *Chain) ChangePending() bool { return c.pending.Load() }

// epochAbove returns the epoch of the block above the lowest n speculative ones.
func (c *Chain) epochAbove(n uint64) *registry.Epoch {
	for i := range n {
		if x := c.stack[n-1-i].outcome.opens; x != nil {
			return x
		}
	}
	return c.epoch.Load()
}

// systemWrite returns what the chain itself writes into the state after the last
// transaction of a batch of an epoch, who is suspended as primary and, in the first
// block after a recovery, the new members, and reads what the block means for the
// epochs.
func (c *Chain) systemWrite(h *consensus.BatchHeader, now *registry.Epoch, by *recovered, out *outcome) func(vm.StateDB, []*types.Transaction) {
	return func(db vm.StateDB, included []*types.Transaction) {
		if by != nil {
			if out.err = registry.RecordRecovery(db, suspensionStorage{db}, by.Document, now); out.err != nil {
				return
			}
		}
		*out = outcome{pending: now.Pending(db.GetState), members: membersVersion(now, db.GetState), forks: c.unknownForks(db.GetState)}
		var next *consensus.ValidatorSet
		if h.Seq == now.Last() {
			out.opens, out.pending = c.open(db.GetState, now), false
			out.members.Epoch = out.opens.Epoch
			next = out.opens.Set
		}
		suspensions := suspensionStorage{db}
		registry.RecordSuspensions(suspensions, h, now.EpochRules, next, c.convicted(included, now.Epoch, now.Set))
		if out.opens != nil {
			out.opens.Suspended = registry.Suspended(suspensions, out.opens.Epoch)
		}
	}
}

// open returns the epoch after now. Contracts whose storage says what it cannot say
// change nothing: every node comes to that, and the chain goes on.
func (c *Chain) open(read registry.ReadSlot, now *registry.Epoch) *registry.Epoch {
	next, err := c.registry.Open(read, now.Epoch+1, now.Last()+1)
	if err != nil {
		c.log.Error("the system contracts cannot be read: the epoch goes on as the one before", "epoch", now.Epoch+1, "err", err)
		return now.Continue()
	}
	next.Follows(now)
	return next
}

// enter makes the block that was just written the one that says which epoch is next.
func (c *Chain) enter(o outcome) {
	if o.opens != nil {
		c.epoch.Store(o.opens)
	}
	c.pending.Store(o.pending)
	c.members.Store(&o.members)
	c.forks.Store(&o.forks)
}

func membersVersion(e *registry.Epoch, read registry.ReadSlot) MembersVersion {
	return MembersVersion{Epoch: e.Epoch, Rules: registry.ReadVersions(read), Nodes: registry.ReadNodesVersion(read)}
}

// loadEpoch finds the epoch of the block above the head.
func (c *Chain) loadEpoch(head *Sealed) error {
	e := consensus.Epoch(0)
	if head.BatchHeader != nil {
		e = head.BatchHeader.Epoch
	}
	x, err := c.readEpoch(e)
	if err == nil && head.number() == uint64(x.Last()) {
		x, err = c.readEpoch(e + 1)
	}
	if err == nil && c.recoveryAt(consensus.Seq(head.number())) != nil {
		if next, missing := c.readEpoch(x.Epoch + 1); missing == nil {
			x = next
		}
	}
	if err != nil {
		return fmt.Errorf("chain: the epoch of block %d: %w", head.number()+1, err)
	}
	v, err := c.state.Latest()
	if err != nil {
		return err
	}
	pending, members, forks := x.Pending(v.StateDB.GetState), membersVersion(x, v.StateDB.GetState), c.unknownForks(v.StateDB.GetState)
	if err := errors.Join(v.StateDB.Error(), v.Close()); err != nil {
		return fmt.Errorf("chain: rules in the state of block %d: %w", head.number(), err)
	}
	c.epoch.Store(x)
	c.pending.Store(pending)
	c.members.Store(&members)
	c.forks.Store(&forks)
	return nil
}

// epochRow is an epoch on disk; its number is in the key.
type epochRow struct {
	First     consensus.Seq
	Members   []registry.Member
	Suspended []common.Address
	Params    consensus.Params
	SetSince  consensus.Epoch
	Versions  registry.Versions
	Recovery  common.Hash `rlp:"optional"`
}

func encodeEpoch(x *registry.Epoch) []byte {
	return mustRLP(&epochRow{x.First, x.Members, x.Suspended, x.Params, x.SetSince, x.Versions, x.Recovery})
}

func decodeEpoch(e consensus.Epoch, row []byte) (*registry.Epoch, error) {
	var r epochRow
	if err := rlp.DecodeBytes(row, &r); err != nil {
		return nil, fmt.Errorf("chain: damaged row of epoch %d: %w", e, err)
	}
	var list []common.Address
	for _, m := range r.Members {
		list = append(list, m.Validator)
	}
	set, err := consensus.NewValidatorSet(list)
	if err != nil {
		return nil, fmt.Errorf("chain: damaged row of epoch %d: %w", e, err)
	}
	rules := &consensus.EpochRules{Epoch: e, First: r.First, Set: set, Suspended: r.Suspended, Params: r.Params}
	return &registry.Epoch{EpochRules: rules, Members: r.Members, SetSince: r.SetSince, Versions: r.Versions, Recovery: r.Recovery}, nil
}

// MembersVersion changes when who belongs to the network may have changed.
type MembersVersion struct {
	Epoch consensus.Epoch // of the next block
	Rules registry.Versions
	Nodes registry.NodesVersion
}

// MembersVersion returns that of the head.
func (c *Chain) MembersVersion() MembersVersion { return *c.members.Load() }

// StateAtHead opens the state of the head; the caller closes it.
func (c *Chain) StateAtHead() (*state.View, error) { return c.state.Latest() }
