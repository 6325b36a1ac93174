package engine

import (
	"context"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// built is the batch that the pool gave for a BuildRequest, until the replica
// has made a proposal of it.
type built struct {
	hash common.Hash // of their hashes, as the batch header has it
	txs  []*types.Transaction
}

// send signs new own votes, sends, and hands own votes back to the replica.
func (e *Engine) send(ctx context.Context, m *pbft.Outbound) error {
	again := m.Vote != nil && m.Vote.Signature != (consensus.Signature{})
	if m.Vote != nil && !again {
		v := *m.Vote
		if err := e.guard.sign(ctx, &v); err != nil {
			return err
		}
		m.Vote = &v
		e.inject(pbft.Message{Vote: &v, Batch: m.Batch})
	}
	e.observeSent(m, again)
	if m.Status != nil && m.To == pbft.Everyone {
		e.sendAll(encodeOutbound(m)) // it belongs to a connection
		return nil
	}
	data := encodeOutbound(m)
	if m.To != pbft.Everyone {
		e.sendTo(m.To, data)
		return nil
	}
	if m.Batch != nil {
		e.pushBodies(m.Batch)
	}
	if again || len(data) > e.cfg.Limits.GossipBytes {
		e.sendAll(data) // gossip carries nothing twice; big messages must not delay votes
		return nil
	}
	if err := e.deps.Wire.Broadcast(data); err != nil {
		e.cfg.Log.Debug("broadcast failed", "err", err) // STATUS repairs
	}
	return nil
}

func encodeOutbound(m *pbft.Outbound) []byte {
	switch {
	case m.Vote != nil && m.Batch != nil:
		return seal(wireProposal, (&consensus.Proposal{Vote: m.Vote, Batch: m.Batch}).Encode())
	case m.Vote != nil:
		return seal(wireVote, m.Vote.Encode())
	case m.Certificate != nil:
		return sealRLP(wireCertificate, m.Certificate)
	case m.Checkpoint != nil:
		return sealRLP(wireCheckpoint, m.Checkpoint)
	case m.Batch != nil:
		return sealRLP(wireBatch, m.Batch)
	case m.Fetch != nil:
		return seal(wireFetch, m.Fetch.Encode())
	default:
		return seal(wireStatus, m.Status.Encode())
	}
}

func (e *Engine) sendTo(to common.Address, data []byte) {
	if err := e.deps.Wire.Send(to, data); err != nil {
		e.cfg.Log.Debug("send failed", "to", to, "err", err)
	}
}

func (e *Engine) sendAll(data []byte) {
	set := e.epoch.Load().set
	for i := range set.Len() {
		if a := set.Address(i); a != e.deps.Signer.Address() {
			e.sendTo(a, data)
		}
	}
}

// pushBodies sends each backup the bodies that it is not known to hold, in
// parts, so that a fresh transaction costs no extra round trip.
func (e *Engine) pushBodies(b *consensus.Batch) {
	digest := b.Digest()
	txs := e.bodies.txs(digest)
	set := e.epoch.Load().set
	for i := range set.Len() {
		to := set.Address(i)
		if to == e.deps.Signer.Address() {
			continue
		}
		msg := bodiesMessage{Digest: digest}
		size := 0
		for _, tx := range e.deps.Bodies.UnknownTo(to, txs) {
			raw, err := tx.MarshalBinary()
			if err != nil {
				continue
			}
			if size+len(raw) > e.cfg.Limits.MessageBytes/2 {
				e.sendTo(to, sealRLP(wireBodies, &msg))
				msg.Bodies, size = nil, 0
			}
			msg.Bodies, size = append(msg.Bodies, raw), size+len(raw)
		}
		if len(msg.Bodies) > 0 {
			e.sendTo(to, sealRLP(wireBodies, &msg))
		}
	}
}
