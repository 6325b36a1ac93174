package bubble

import (
	"context"
	"testing"
	"time"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/pbft"
)

// api returns the pbft_ methods of a member's node.
func (m *Member) api() *pbft.API {
	m.c.T.Helper()
	a, err := m.Node.PBFT()
	if err != nil {
		m.c.T.Fatal(err)
	}
	return a
}

// TestObservedViewChange: the primary is cut off; what the others tell of it
// through pbft_ is what happened.
func TestObservedViewChange(t *testing.T) {
	Run(t, Spec{Observers: 1, Params: short(64)}, func(c *Cluster) {
		c.StartAll(c.Members...)
		load := c.StartLoad(3, 100*time.Millisecond, 1)
		c.reach(5, 10*time.Second, c.Validators()...)
		first := c.Members[0].api().Status().Primary
		cutOff := 0
		for i, m := range c.Validators() {
			if m.Address == first {
				cutOff = i
			}
		}
		gone, witness := c.Members[cutOff], c.Members[(cutOff+1)%4]
		before, _ := witness.Head()
		c.split([]int{cutOff})
		c.Within(30*time.Second, "the view has changed", func() bool { return witness.api().Status().ActiveView > 0 })
		c.Within(30*time.Second, "blocks follow", func() bool { n, _ := witness.Head(); return n > before+12 })
		c.checkViewChange(witness, before)
		c.checkBlocks(witness, gone, before)
		c.Sim.Heal()
		finish(c, load, 10)
		observer := c.Members[4].api()
		if l, err := observer.ViewChanges(nil, nil); err != nil || len(l) != 0 || observer.BlockPhases(rpc.Latest) != nil {
			t.Errorf("an observer has seen %v, %v", l, err)
		}
	})
}

// TestObservedAlone: a backup that is cut off with a transaction asks alone for
// the next view, and says that it is lost margin until it is back.
func TestObservedAlone(t *testing.T) {
	Run(t, Spec{Params: short(8)}, func(c *Cluster) {
		c.StartAll(c.Members...)
		load := c.StartLoad(3, 100*time.Millisecond, 1)
		c.reach(3, 10*time.Second, c.Members...)
		primary := c.Members[0].api().Status().Primary
		alone := c.Members[0]
		if alone.Address == primary {
			alone = c.Members[1]
		}
		c.split([]int{alone.index})
		if err := alone.Node.Pool().Add(context.Background(), c.Transfer(c.Users[5], 0)); err != nil {
			t.Fatal(err)
		}
		var s *pbft.Status
		c.Within(time.Minute, "who is cut off asks alone", func() bool { s = alone.api().Status(); return s.LostMargin })
		if s.Mode != consensus.ViewChanging.String() || s.View <= s.ActiveView || s.PatienceMs < c.Genesis.Params.BaseTimeoutMs {
			t.Errorf("who is cut off: %+v", s)
		}
		for _, v := range s.Validators {
			if (v.Asks != nil) != (v.Address == alone.Address) {
				t.Errorf("who is cut off believes of %+v", v)
			}
		}
		l, err := alone.api().ViewChanges(nil, nil)
		if err != nil || len(l) == 0 || l[len(l)-1].EnteredAfterMs != nil || l[len(l)-1].To != s.View {
			t.Errorf("its view changes: %+v, %v", l, err)
		}
		c.Sim.Heal()
		finish(c, load, 10)
		if s := alone.api().Status(); s.LostMargin || s.Mode != consensus.Normal.String() {
			t.Errorf("back again: %+v", s)
		}
	})
}

// checkViewChange checks what a validator that went through the view change
// tells of it.
func (c *Cluster) checkViewChange(m *Member, before uint64) {
	c.T.Helper()
	all, err := m.api().ViewChanges(nil, nil)
	if err != nil || len(all) == 0 {
		c.T.Fatalf("view changes: %v, %v", all, err)
	}
	entered := false
	for i, v := range all {
		if v.Index != uint64(i) || v.Epoch != 0 || v.To <= v.From || v.TimeUs == 0 {
			c.T.Errorf("view change %d: %+v", i, v)
		}
		if v.EnteredAfterMs != nil {
			entered = true
			if *v.EnteredAfterMs < 0 || *v.EnteredAfterMs > 30_000 || v.Reproposed == nil {
				c.T.Errorf("view change %d: %+v", i, v)
			}
		}
		if v.StuckSeq != nil && *v.StuckSeq < before {
			c.T.Errorf("view change %d is stuck at %d, the head was %d", i, *v.StuckSeq, before)
		}
	}
	if s := m.api().Status(); !entered || s.Mode != consensus.Normal.String() || s.LostMargin || s.ActiveView != s.View || all[len(all)-1].To != s.View {
		c.T.Errorf("view changes %+v, status %+v", all, s)
	}
}

// checkBlocks checks phases and votes of blocks before and after the view
// change.
func (c *Cluster) checkBlocks(m, gone *Member, before uint64) {
	c.T.Helper()
	head, _ := m.Head()
	for n := uint64(1); n < head; n++ { // the head may not be told durable yet
		p := m.api().BlockPhases(rpc.Number(n))
		sealed, err := m.Node.Chain().Sealed(n)
		if err != nil {
			c.T.Fatal(err)
		}
		if p == nil || p.CommittedUs == nil || p.DurableUs == nil || p.View != uint64(sealed.Certificate.View) || p.Proposer != sealed.BatchHeader.Proposer || p.Own != (p.Proposer == m.Address) {
			c.T.Fatalf("phases of block %d: %+v", n, p)
		}
		if p.AcceptedUs == nil || p.PreparedUs == nil || p.CommitSentUs == nil || *p.AcceptedUs > *p.PreparedUs || *p.PreparedUs > *p.CommittedUs || *p.CommittedUs > *p.DurableUs {
			c.T.Errorf("phases of block %d are not in order: %+v", n, p)
		}
		if p.Primary == nil || p.View == p.OriginView && *p.Primary != p.Proposer {
			c.T.Errorf("primary of block %d: %+v", n, p)
		}
	}
	sum, err := m.api().Participation(1, rpc.Number(before))
	if err != nil || len(sum.Blocks) != int(before) {
		c.T.Fatalf("participation: %d blocks of %d, %v", len(sum.Blocks), before, err)
	}
	for _, v := range sum.Validators {
		if v.Blocks != int(before) || v.Commits < int(before)-2 || v.Prepares < int(before)-2 {
			c.T.Errorf("before, all took part, also after the quorum: %+v", v)
		}
	}
	sum, err = m.api().Participation(rpc.Number(before+5), rpc.Number(head-1))
	if err != nil {
		c.T.Fatal(err)
	}
	for _, v := range sum.Validators {
		if there := v.Address != gone.Address; there != (v.Commits > 0) || there != (v.Certificates > 0) {
			c.T.Errorf("validator %s is cut off (%v): %+v", v.Address, !there, v)
		}
	}
}
