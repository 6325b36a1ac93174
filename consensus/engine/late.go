package engine

import (
	"context"

	"github.com/quorate/quorate/consensus"
)

// This file counts votes that come after the quorum. The protocol does not need
// them, so nobody has verified them: one goroutine does, within a budget, and
// nothing waits for it.

// lateVote is a vote to verify against its epoch's set.
type lateVote struct {
	vote *consensus.Vote
	set  *consensus.ValidatorSet
}

// lateBudget is how many votes were taken in the second that began at start.
type lateBudget struct {
	start int64
	taken int
}

// tooLate takes an unverified vote that the replica has no use for any more.
func (c *chronicle) tooLate(v *consensus.Vote) {
	if v.Kind > consensus.Commit {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if v.Seq == 0 || v.Seq > c.committed || c.committed-v.Seq > consensus.Seq(c.limits.LateBlocks) {
		return
	}
	if place := c.place(v); place == nil || place.Has(int(v.Sender)) {
		return
	}
	if now := micros(); now-c.budget.start >= 1e6 || now < c.budget.start {
		c.budget = lateBudget{start: now}
	}
	if c.budget.taken >= c.limits.LateRate {
		c.counts.LateDropped++
		return
	}
	c.budget.taken++
	select {
	case c.late <- lateVote{v, c.setOf(v.Epoch)}:
	default:
		c.counts.LateDropped++
	}
}

// checkLate verifies late votes until ctx ends.
func (c *chronicle) checkLate(ctx context.Context, d consensus.Domain) {
	for {
		select {
		case <-ctx.Done():
			return
		case l := <-c.late:
			err := l.vote.Verify(d, l.set)
			c.mu.Lock()
			c.counts.LateChecked++
			c.mu.Unlock()
			if err != nil {
				c.refused(err)
				continue
			}
			c.vote(l.vote)
			if !c.feed.idle() {
				ev, round := describe(l.vote, nil, nil, nil, nil, nil)
				ev.From, ev.To = l.set.Address(int(l.vote.Sender)), c.self
				c.feed.show(ev, round)
			}
		}
	}
}
