package chain

import (
	"fmt"
	"strings"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/registry"
)

// This file is what a chain does about forks of the EVM that the members have scheduled
// and that this build has no rules for: it executes no block under them, for it would
// come to another state than everybody else. A fork holds in every epoch whose last block
// before has its time or a later one: all replicas know that alike, in the state that
// opens the epoch, and by then the contract no longer lets the fork be moved.

// UnknownFork says that a block is under rules that this build does not have. Nothing is
// written; the node must be updated.
type UnknownFork struct {
	registry.Fork
	First  consensus.Seq // of the epoch in which the rules hold
	Number uint64        // of the block
}

func (e *UnknownFork) Error() string {
	return fmt.Sprintf("chain: the members have scheduled the fork %q, whose rules hold from block %d on, and this version does not know them (it knows %s): block %d cannot be executed; install a version of quorate that knows %q and start it on the same data directory, which is whole up to block %d",
		e.Name, e.First, strings.Join(genesis.KnownForks(), ", "), e.Number, e.Name, e.Number-1)
}

// UnknownForks returns the forks in the state of the head that this build does not know,
// by ascending time. The caller must not change the list.
func (c *Chain) UnknownForks() []registry.Fork { return *c.forks.Load() }

// CheckForks returns *UnknownFork if the block above the head cannot be executed by this
// build.
func (c *Chain) CheckForks() error {
	c.write.Lock()
	defer c.write.Unlock()
	return c.checkForks(c.epoch.Load(), c.UnknownForks(), c.head.Load().number()+1)
}

// checkForks returns *UnknownFork if one of the forks in the state below a block holds in
// the block's epoch. Those that were scheduled since the epoch began do not: they are in
// the future of the block that scheduled them.
func (c *Chain) checkForks(now *registry.Epoch, forks []registry.Fork, number uint64) error {
	if len(forks) == 0 {
		return nil
	}
	opening, err := c.below(now.First)
	if err != nil {
		return fmt.Errorf("chain: the block before epoch %d: %w", now.Epoch, err)
	}
	for _, f := range forks {
		if f.Holds(opening.Header.Time) {
			return &UnknownFork{Fork: f, First: now.First, Number: number}
		}
	}
	return nil
}

// below returns the block before one that is at most one above the last executed block.
func (c *Chain) below(seq consensus.Seq) (*Sealed, error) {
	number, head := uint64(seq-1), c.head.Load().number()
	if number > head {
		return c.stack[number-head-1].sealed, nil
	}
	return c.sealed(number)
}

// forksAbove returns what the lowest n speculative blocks leave of unknown forks.
func (c *Chain) forksAbove(n uint64) []registry.Fork {
	if n == 0 {
		return c.UnknownForks()
	}
	return c.stack[n-1].outcome.forks
}

// unknownForks reads them. Contracts whose storage says what it cannot say schedule
// nothing, as they change nothing: see open.
func (c *Chain) unknownForks(read registry.ReadSlot) []registry.Fork {
	list, err := registry.UnknownForks(read)
	if err != nil {
		c.log.Error("the forks that the members have scheduled cannot be read", "err", err)
		return nil
	}
	return list
}
