package engine

import (
	"context"
	"maps"
	"slices"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// This file is where the engine tells its chronicle what happens, and where
// others read it.

// Receive takes a message from another validator, checks it as far as it can
// without the replica, and puts it into the inbox. from is the validator at the
// other end of the connection, or zero for one that is not of this epoch's set.
// It may be called from any goroutine; it does the signature checks.
func (e *Engine) Receive(from common.Address, data []byte) (Verdict, error) {
	v, err := e.receive(from, data)
	if v == Reject {
		e.seen.refused(err)
	}
	return v, err
}

// observeArrived takes what goes into the inbox; it is verified.
func (e *Engine) observeArrived(in any) {
	m, ok := in.(pbft.Message)
	if !ok {
		return
	}
	if m.Vote != nil {
		e.seen.vote(m.Vote)
	}
	if e.seen.feed.idle() {
		return
	}
	ev, round := describe(m.Vote, m.Batch, m.Certificate, m.Checkpoint, m.Status, m.Fetch)
	view := e.epoch.Load()
	ev.To = e.deps.Signer.Address()
	switch {
	case m.Vote != nil && m.Vote.Epoch == view.epoch:
		ev.From = view.set.Address(int(m.Vote.Sender))
	case m.Status != nil || m.Fetch != nil:
		ev.From = m.From
	}
	e.seen.feed.show(ev, round)
}

// observeSent takes what is about to leave; a vote is signed.
func (e *Engine) observeSent(m *pbft.Outbound, again bool) {
	if m.Vote != nil && !again {
		e.seen.vote(m.Vote)
		if m.Vote.Kind == consensus.Commit {
			e.seen.commitSent(m.Vote.Seq)
		}
	}
	if e.seen.feed.idle() {
		return
	}
	ev, round := describe(m.Vote, m.Batch, m.Certificate, m.Checkpoint, m.Status, m.Fetch)
	ev.From = e.deps.Signer.Address()
	if m.To != pbft.Everyone {
		ev.To = m.To
	}
	e.seen.feed.show(ev, round)
}

func (c *chronicle) commitSent(seq consensus.Seq) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.phase(seq, consensus.PhaseCommitSent, micros())
}

// describe makes the event of a message, and says which seq's round it belongs
// to.
func describe(v *consensus.Vote, b *consensus.Batch, c *consensus.CommitCertificate, cp *consensus.CheckpointCertificate, s *consensus.Status, f *consensus.Fetch) (ev consensus.ProtocolEvent, round consensus.Seq) {
	ev.Time = micros()
	switch {
	case v != nil:
		ev.Kind, ev.Epoch, ev.View, ev.Seq = v.Kind.String(), v.Epoch, v.View, v.Seq
		if v.Kind <= consensus.Commit {
			round = v.Seq
		}
	case b != nil:
		ev.Kind, ev.Epoch, ev.View, ev.Seq = "BATCH", b.Header.Epoch, b.Header.OriginView, b.Header.Seq
	case c != nil:
		ev.Kind, ev.Epoch, ev.View, ev.Seq, round = "COMMIT CERTIFICATE", c.Epoch, c.View, c.Seq, c.Seq
	case cp != nil:
		ev.Kind, ev.Epoch, ev.Seq = "CHECKPOINT CERTIFICATE", cp.Epoch, cp.Seq
	case s != nil:
		ev.Kind, ev.Epoch, ev.View, ev.Seq = "STATUS", s.Epoch, s.View, s.Committed
	case f != nil:
		ev.Kind = "FETCH"
	}
	return ev, round
}

// Watch shows the messages of the protocol from now on, as this node sends and
// receives them. Who is more than buffer behind is dropped.
func (e *Engine) Watch(buffer int) *Watcher { return e.seen.feed.watch(buffer) }

// ViewChanges returns the last view changes that this node has seen, oldest
// first.
func (e *Engine) ViewChanges() []consensus.ViewChangeSeen {
	e.seen.mu.Lock()
	defer e.seen.mu.Unlock()
	return e.seen.changes.all()
}

// Evidence returns the evidence that this node keeps, oldest first, and the
// number of the first piece among all that it ever kept.
func (e *Engine) Evidence(ctx context.Context) (first uint64, kept []consensus.Evidence, err error) {
	err = e.inspectIn(ctx, func(*pbft.Replica) {
		kept = slices.Clone(e.evidence.kept)
		first = e.evidence.count - uint64(len(kept))
	})
	return first, kept, err
}

// Phases returns this node's times of a block, false if it does not remember
// or never knew them.
func (e *Engine) Phases(seq consensus.Seq) (consensus.BlockPhases, bool) {
	c := e.seen
	c.mu.Lock()
	defer c.mu.Unlock()
	b := &c.blocks[uint64(seq)%uint64(len(c.blocks))]
	return b.BlockPhases, seq > 0 && b.Seq == seq && b.Times != [consensus.PhaseCount]int64{}
}

// Participation returns whose votes this node has seen for the final blocks
// from … to that it remembers.
func (e *Engine) Participation(from, to consensus.Seq) []consensus.BlockVotes {
	c := e.seen
	c.mu.Lock()
	defer c.mu.Unlock()
	to = min(to, c.committed)
	if first := c.committed - min(c.committed, consensus.Seq(len(c.blocks))); from <= first {
		from = first + 1
	}
	var out []consensus.BlockVotes
	for n := from; n <= to; n++ {
		b := &c.blocks[uint64(n)%uint64(len(c.blocks))]
		if b.Seq != n || b.Times[consensus.PhaseCommitted] == 0 {
			continue
		}
		out = append(out, consensus.BlockVotes{
			Seq: n, Epoch: b.Epoch, View: b.View, Proposer: b.Proposer,
			Prepares: slices.Clone(b.prepares), Commits: slices.Clone(b.commits), Certificate: slices.Clone(b.certificate),
		})
	}
	return out
}

// StableCheckpoint returns the newest checkpoint certificate that the replica
// holds, nil before the first. It asks the engine goroutine.
func (e *Engine) StableCheckpoint(ctx context.Context) (c *consensus.CheckpointCertificate, err error) {
	err = e.inspectIn(ctx, func(r *pbft.Replica) { c = r.StableCheckpoint() })
	return c, err
}

// inspectIn runs f on the engine goroutine; when it returns nil, f has ended.
func (e *Engine) inspectIn(ctx context.Context, f func(*pbft.Replica)) error {
	ended := make(chan struct{})
	select {
	case e.inspect <- func(r *pbft.Replica) { f(r); close(ended) }:
		<-ended
		return nil
	case <-e.done:
		return errStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Counts returns the counters.
func (e *Engine) Counts() consensus.ProtocolCounts {
	c := e.seen
	c.mu.Lock()
	out := c.counts
	out.Evidence, out.Refused, out.Phases = maps.Clone(out.Evidence), maps.Clone(out.Refused), slices.Clone(out.Phases)
	c.mu.Unlock()
	c.feed.mu.Lock()
	defer c.feed.mu.Unlock()
	out.EventsSkipped, out.WatchersLost = c.feed.skipped, c.feed.lost
	return out
}
