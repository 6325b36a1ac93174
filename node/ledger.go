package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/engine"
	"github.com/quorate/quorate/consensus/pbft"
	"github.com/quorate/quorate/statesync"
	"github.com/quorate/quorate/txpool"
)

// ledger is the chain as the engine and block sync write it; the pool hears of
// every block before anybody can propose on top of it.
type ledger struct {
	chain *chain.Chain
	pool  *txpool.Pool
	who   *membership
	log   *slog.Logger
	final *chain.Subscription // for the pool; one slot, taken after every commit
	told  uint64              // the last block that the pool has heard of

	barred chan error // the chain has come to a fork that this build does not know; one slot

	shelf *statesync.Shelf // for snapshots; nil on a node that has no vote to give
	votes func() bool      // whether it has one now
}

func newLedger(c *chain.Chain, p *txpool.Pool, who *membership, log *slog.Logger) *ledger {
	return &ledger{chain: c, pool: p, who: who, log: log, final: c.Subscribe(1), told: c.Head().Number.Uint64(), barred: make(chan error, 1)}
}

// Head implements engine.Ledger.
func (l *ledger) Head() pbft.Head {
	s := l.chain.HeadSealed()
	h := pbft.Head{
		Seq: consensus.Seq(s.Header.Number.Uint64()), BlockHash: s.Header.Hash(), Digest: s.Header.Hash(),
		Pending: l.chain.ChangePending(),
	}
	if h.Seq > 0 {
		h.Digest, h.TimeMs, h.Certificate = s.BatchHeader.Digest(), s.BatchHeader.TimeMs, s.Certificate
	}
	return h
}

// Execute implements engine.Ledger.
func (l *ledger) Execute(ctx context.Context, h *consensus.BatchHeader, parent common.Hash, txs []*types.Transaction) (common.Hash, error) {
	header, err := l.chain.Execute(ctx, h, parent, txs)
	if errors.Is(err, chain.ErrNoParent) || errors.Is(err, chain.ErrFinal) || errors.Is(err, chain.ErrDepth) {
		return common.Hash{}, fmt.Errorf("%w: %w", engine.ErrStale, err)
	}
	if err != nil {
		return common.Hash{}, l.noted(err)
	}
	return header.Hash(), nil
}

// Rollback implements engine.Ledger.
func (l *ledger) Rollback(seq consensus.Seq) { l.chain.Rollback(uint64(seq)) }

// Commit implements engine.Ledger.
func (l *ledger) Commit(h *consensus.BatchHeader, c *consensus.CommitCertificate) error {
	err := l.chain.Commit(h, c)
	if err == nil {
		l.shelve()
		l.tellPool()
		err = l.who.noticed()
	}
	return diverged(err)
}

// diverged puts the chain's divergence into the replica's words.
func diverged(err error) error {
	if d := new(chain.Divergence); errors.As(err, &d) {
		return fmt.Errorf("%w: %w", pbft.ErrDivergence, err)
	}
	return err
}

// Import makes a verified block of a peer final. Only the ledger loop, or an
// observer's block sync, calls it.
func (l *ledger) Import(ctx context.Context, v *chain.Verified) error {
	err := l.chain.ImportVerified(ctx, v)
	if err == nil {
		l.shelve()
		l.tellPool()
		err = l.who.noticed()
	}
	return l.noted(err)
}

// noted tells watchForks of a fork that this build does not know.
func (l *ledger) noted(err error) error {
	if err = tooOld(err); errors.Is(err, ErrTooOld) {
		select {
		case l.barred <- err:
		default: // it knows
		}
	}
	return err
}

// tellPool hands the block that has just become final to the pool.
func (l *ledger) tellPool() {
	select {
	case e, open := <-l.final.C():
		if !open {
			l.tellMissed()
			return
		}
		skipped := make(map[common.Hash]string, len(e.Skipped))
		for _, s := range e.Skipped {
			skipped[s.Hash] = s.Reason.Error()
		}
		l.told = e.Block.NumberU64()
		l.pool.Committed(l.told, e.Block, skipped)
	default: // it was final before
	}
}

// tellMissed tells the pool of every block since the last one it heard of: the
// chain closes a subscription when a second block becomes final before the
// first was taken. Why transactions of them were skipped is lost.
func (l *ledger) tellMissed() {
	l.final = l.chain.Subscribe(1)
	for head := l.chain.Head().Number.Uint64(); l.told < head; l.told++ {
		b, err := l.chain.Block(l.told + 1)
		if err != nil {
			l.log.Error("the pool cannot be told of a final block", "block", l.told+1, "err", err)
			continue // its maintenance reads the state and finds out
		}
		l.pool.Committed(b.NumberU64(), b, nil)
	}
}

// Outcome implements engine.Ledger.
func (l *ledger) Outcome(seq consensus.Seq) (pbft.Durable, error) {
	out := pbft.Durable{Seq: seq}
	if head := l.chain.Head().Number.Uint64(); uint64(seq) == head {
		out.Pending = l.chain.ChangePending()
	}
	e, err := l.chain.EpochOf(uint64(seq))
	if err != nil || seq == 0 || seq != e.Last() {
		return out, err
	}
	h, err := l.chain.Header(uint64(seq))
	if err != nil {
		return out, err
	}
	next, err := l.chain.Epoch(e.Epoch + 1)
	if err != nil {
		return out, err
	}
	out.Boundary = &pbft.Boundary{BlockHash: h.Hash(), StateRoot: h.Root, Next: next.EpochRules}
	return out, nil
}

// Stable implements engine.Ledger.
func (l *ledger) Stable(c *consensus.CheckpointCertificate) error {
	err := l.chain.SetCheckpoint(c)
	if err == nil {
		l.offer()
	}
	return diverged(err)
}

// Recovered implements engine.Membership.
func (l *ledger) Recovered(seq consensus.Seq) bool { return l.chain.Recovered(uint64(seq)) }

// EpochOf implements engine.Membership.
func (l *ledger) EpochOf(seq consensus.Seq) (pbft.EpochStart, error) {
	start := pbft.EpochStart{Parent: l.chain.Genesis()}
	e, err := l.chain.EpochOf(uint64(seq))
	if err != nil {
		return start, err
	}
	start.EpochRules = e.EpochRules
	if e.Epoch == 0 {
		return start, nil
	}
	s, err := l.chain.Sealed(uint64(e.First - 1))
	if err != nil {
		return start, err
	}
	start.Parent = s.BatchHeader.Digest()
	start.Before, err = l.chain.SetBefore(e)
	return start, err
}
