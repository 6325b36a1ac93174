package pbfttest

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
)

// This file is what must be true once the network is well again: L1 and L3,
// progress within a bound and without an operator, and L2, no view change
// where nothing waits. Villains go on.

// mustGrow is how many heights every honest replica must commit after healing.
const mustGrow = 20

// Patience is counted in the longest timeout, but for what the plan itself
// makes slow.
const (
	healTimeouts = 60
	idleTimeouts = 3
	restTries    = 50 // how often a late transaction may begin the wait anew
)

// heal ends all faults and demands heights, and that a transaction that all
// know is committed by all.
func (s *simulation) heal() error {
	s.calm = true
	if err := s.endAll(); err != nil {
		return err
	}
	fresh := s.tx()
	if err := s.c.Submit([]common.Hash{fresh}); err != nil {
		return err
	}
	target := 0
	for _, n := range s.c.Nodes {
		if n.villain == nil {
			target = max(target, len(n.ledger.chain)+mustGrow)
		}
	}
	s.plan = s.plan.eased()
	start := s.now
	limit := healTimeouts*s.plan.Tmax*1000 + mustGrow*20*(s.plan.Load+s.plan.T0*1000)
	grown, err := s.until(s.now+limit, func() bool {
		return s.honest(func(n *Node) bool { return len(n.ledger.chain) >= target && n.ledger.final[fresh] != 0 })
	})
	if err != nil {
		return err
	}
	if !grown {
		return fmt.Errorf("L1: not %d heights in %d ms after healing", mustGrow, limit/1000)
	}
	s.c.counts.add("ms from healing to 20 heights", int((s.now-start)/1000))
	s.c.counts.note("runs live after healing")
	return nil
}

// eased returns the plan with a load under which every network that a plan can
// have keeps up: what is demanded now is progress, not throughput.
func (p *Plan) eased() *Plan {
	q := *p
	q.Load, q.Burst = max(q.Load, q.DelayHigh*2+q.T0*20), min(q.Burst, 4)
	return &q
}

// rest stops the load, waits until nothing waits, and demands quiet. A
// transaction that a pool shows late begins the wait anew, whether it is in a
// block by then or not: when more than f clocks were wrong it may have to wait
// until the right ones have reached the time of the chain.
func (s *simulation) rest() error {
	s.loaded = false
	limit := s.drainLimit()
	settle := idleTimeouts * s.plan.Tmax * 1000
	for range restTries {
		drained, err := s.until(s.now+limit, s.nothingWaits)
		if err != nil {
			return err
		}
		if !drained {
			return fmt.Errorf("L1: transactions still wait %d ms after the last one", limit/1000)
		}
		if _, err := s.until(s.now+settle, nil); err != nil {
			return err
		}
		asked, blocks := s.done()
		if _, err := s.until(s.now+settle, nil); err != nil {
			return err
		}
		moreAsked, moreBlocks := s.done()
		if moreBlocks > blocks || !s.nothingWaits() {
			continue
		}
		if moreAsked > asked {
			return fmt.Errorf("L2: %d VIEW-CHANGEs while nothing waits", moreAsked-asked)
		}
		s.c.counts.note("runs quiet when idle")
		return nil
	}
	return fmt.Errorf("L2: blocks without end after the last transaction")
}

// nothingWaits reports whether no honest node has work: a transaction, a block to
// execute, or an epoch whose end is waited for, as a change of the rules does.
func (s *simulation) nothingWaits() bool {
	return s.honest(func(n *Node) bool {
		return len(n.pool) == 0 && !n.ledger.busy() && !n.ledger.pending(n.ledger.head().Seq)
	})
}

// drainLimit is how long what waits may wait, in microseconds. With a stable
// primary that censors and epochs of one block each transaction costs a view: its
// patience, the change, a block, and the censor is back. (The state suspends who
// was replaced; simulated states do not.)
func (s *simulation) drainLimit() uint64 {
	timeouts := uint64(healTimeouts)
	if s.plan.R == 0 {
		waiting := 0
		for _, n := range s.c.Nodes {
			waiting = max(waiting, len(n.pool))
		}
		timeouts += 2 * uint64(waiting)
	}
	return timeouts * s.plan.Tmax * 1000
}

// honest reports whether all honest nodes are so. One whose executor is broken
// is none of them.
func (s *simulation) honest(so func(*Node) bool) bool {
	for _, n := range s.c.Nodes {
		if n.villain == nil && !so(n) {
			return false
		}
	}
	return true
}

// done counts the VIEW-CHANGEs and blocks of the honest.
func (s *simulation) done() (asked, blocks int) {
	for _, n := range s.c.Nodes {
		if n.villain == nil {
			asked += n.asked
			blocks += len(n.ledger.chain)
		}
	}
	return asked, blocks
}

// sum adds what only the whole run tells.
func (s *simulation) sum() {
	c := &s.c.counts
	c.add("heights", s.c.height())
	c.add("virtual ms", int(s.now/1000))
	c.note("runs")
	if epochs := len(s.c.rules) - 1; epochs > 0 {
		c.add("epochs", epochs)
		c.note("runs with an epoch boundary")
	}
	if s.plan.N >= 4 {
		c.note("runs of four or more")
		if c.happened["views that propose again"] > 0 {
			c.note("runs with a re-proposing view change")
		}
	}
}
