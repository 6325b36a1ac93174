package engine

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// Verdict is what Receive thinks of a message. A message that may become valid
// later is accepted and kept, never ignored: gossip does not bring it twice.
type Verdict int

// The verdicts.
const (
	Accept Verdict = iota
	Ignore         // of the past
	Reject         // provably bad: its sender or its bearer is faulty
)

// epochView is what Receive needs of the replica's state, as of the last
// round. It may be a little old; Step judges again.
type epochView struct {
	rules     *consensus.EpochRules
	epoch     consensus.Epoch
	set       *consensus.ValidatorSet
	left      []common.Address // who may still have to be told that it is no validator
	committed consensus.Seq
}

// knows reports whether STATUS of a validator is listened to: one that has left may
// have to be told that its epoch is over.
func (v *epochView) knows(a common.Address) bool {
	_, ok := v.set.Index(a)
	return ok || slices.Contains(v.left, a)
}

var errOverflow = errors.New("inbox is full")

// receive is Receive without the counting.
func (e *Engine) receive(from common.Address, data []byte) (Verdict, error) {
	if len(data) > e.cfg.Limits.MessageBytes {
		return Reject, fmt.Errorf("%w: %d bytes, at most %d", errWire, len(data), e.cfg.Limits.MessageBytes)
	}
	msg, err := open(data)
	if err != nil {
		return Reject, err
	}
	view := e.epoch.Load()
	switch m := msg.(type) {
	case *consensus.Vote:
		return e.receiveVote(view, from, data, m, nil)
	case *consensus.Proposal:
		return e.receiveVote(view, from, data, m.Vote, m.Batch)
	case *consensus.CommitCertificate:
		if m.Epoch != view.epoch || m.Seq <= view.committed {
			return Ignore, nil
		}
		if err := m.Verify(e.cfg.Domain, view.set); err != nil {
			return Reject, fmt.Errorf("commit certificate of %d: %w", m.Seq, err)
		}
		return e.accept(pbft.Message{Certificate: m})
	case *consensus.CheckpointCertificate:
		if m.Epoch != view.epoch {
			return Ignore, nil
		}
		if err := m.Verify(e.cfg.Domain, view.set); err != nil {
			return Reject, fmt.Errorf("checkpoint certificate of %d: %w", m.Seq, err)
		}
		return e.accept(pbft.Message{Checkpoint: m})
	case *consensus.Status:
		if !view.knows(from) {
			return Ignore, nil
		}
		m.Yours = e.own(m.Yours)
		return e.accept(pbft.Message{Status: m, From: from})
	case *consensus.Fetch:
		if _, ok := view.set.Index(from); !ok {
			return Ignore, nil
		}
		return e.accept(pbft.Message{Fetch: m, From: from})
	case *consensus.Evidence:
		return e.receiveEvidence(view, m)
	case *consensus.Batch:
		return e.accept(pbft.Message{Batch: m}) // its digest is its proof
	case *bodiesMessage:
		if _, ok := view.set.Index(from); !ok {
			return Ignore, nil // only validators push
		}
		return e.receiveBodies(from, m)
	}
	return Reject, errWire
}

// receiveBodies decodes bodies that a validator pushed.
func (e *Engine) receiveBodies(from common.Address, m *bodiesMessage) (Verdict, error) {
	end := e.bodies.begin(push{m.Digest, from})
	if end == nil {
		return Ignore, nil // the batch has them
	}
	txs, err := e.deps.Bodies.Decode(m.Bodies)
	if err == nil {
		e.bodies.add(from, txs)
	}
	end()
	if err != nil {
		return Reject, fmt.Errorf("bodies: %w", err)
	}
	return e.accept(arrived{})
}

// own returns the votes that carry the signature of this validator, in whatever
// epoch: what somebody else made up proves nothing.
func (e *Engine) own(votes []*consensus.Vote) []*consensus.Vote {
	var out []*consensus.Vote
	for _, v := range votes {
		if a, err := v.Signature.Recover(v.Preimage(e.cfg.Domain)); err == nil && a == e.deps.Signer.Address() {
			out = append(out, v)
		}
	}
	return out
}

// arrived says that bodies came.
type arrived struct{}

func (e *Engine) receiveVote(view *epochView, from common.Address, raw []byte, v *consensus.Vote, b *consensus.Batch) (Verdict, error) {
	switch {
	case v.Epoch == view.epoch+1:
		if !e.keepEarly(from, v.Epoch, raw) {
			return e.receive(from, raw) // that epoch has begun meanwhile
		}
		return Accept, nil
	case v.Epoch != view.epoch:
		e.seen.tooLate(v)
		return Ignore, nil
	case v.Kind <= consensus.Commit && v.Seq <= view.committed:
		e.seen.tooLate(v)
		return Ignore, nil // the usual case of votes beyond the quorum
	}
	if err := v.Verify(e.cfg.Domain, view.set); err != nil {
		return Reject, fmt.Errorf("%s of epoch %d seq %d: %w", v.Kind, v.Epoch, v.Seq, err)
	}
	if v.Kind == consensus.ViewChange {
		if err := e.checkChange(view, v); err != nil {
			verdict := Reject
			if errors.Is(err, errManyChanges) {
				verdict = Ignore
			}
			return verdict, fmt.Errorf("VIEW-CHANGE of validator %d to view %d: %w", v.Sender, v.View, err)
		}
	}
	return e.accept(pbft.Message{Vote: v, Batch: b})
}

func (e *Engine) accept(in any) (Verdict, error) {
	e.observeArrived(in)
	select {
	case e.inbox <- in:
		return Accept, nil
	default:
		e.dropped.add(DropInbox)
		return Ignore, errOverflow // STATUS brings it again
	}
}

// earlyBox holds one connection's messages of the next epoch.
type earlyBox struct {
	messages [][]byte
	bytes    int
}

// keepEarly keeps a message of the next epoch, unverified, for its connection.
// What overflows is counted and comes back by STATUS. It returns false when
// the epoch has moved on: replayEarly may have passed already.
func (e *Engine) keepEarly(from common.Address, epoch consensus.Epoch, raw []byte) bool {
	e.earlyMu.Lock()
	defer e.earlyMu.Unlock()
	if epoch != e.epoch.Load().epoch+1 {
		return false
	}
	box := e.early[from]
	if box == nil {
		box = new(earlyBox)
		e.early[from] = box
	}
	if len(box.messages) >= e.cfg.Limits.EarlyPerPeer || box.bytes+len(raw) > e.cfg.Limits.MessageBytes {
		e.dropped.add(DropNextEpoch)
		return true
	}
	box.messages = append(box.messages, append([]byte(nil), raw...))
	box.bytes += len(raw)
	return true
}

// replayEarly receives the kept messages again, on entering their epoch.
func (e *Engine) replayEarly() {
	e.earlyMu.Lock()
	early := e.early
	e.early = map[common.Address]*earlyBox{}
	e.earlyMu.Unlock()
	for from, box := range early {
		for _, raw := range box.messages {
			if _, err := e.Receive(from, raw); err != nil {
				e.cfg.Log.Debug("message kept for this epoch", "from", from, "err", err)
			}
		}
	}
}
