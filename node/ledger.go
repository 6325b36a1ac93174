package node

import (
	"context"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/engine"
	"github.com/quorate/quorate/consensus/pbft"
	"github.com/quorate/quorate/registry"
	"github.com/quorate/quorate/txpool"
)

// ledger is the chain as the engine and block sync write it; the pool hears of
// every block before anybody can propose on top of it.
type ledger struct {
	chain *chain.Chain
	pool  *txpool.Pool
	reg   *registry.Registry
	final *chain.Subscription // for the pool; one slot, taken after every commit
}

func newLedger(c *chain.Chain, p *txpool.Pool, reg *registry.Registry) *ledger {
	return &ledger{chain: c, pool: p, reg: reg, final: c.Subscribe(1)}
}

// Head implements engine.Ledger.
func (l *ledger) Head() pbft.Head {
	s := l.chain.HeadSealed()
	h := pbft.Head{Seq: consensus.Seq(s.Header.Number.Uint64()), BlockHash: s.Header.Hash(), Digest: s.Header.Hash()}
	if h.Seq > 0 {
		h.Digest, h.TimeMs = s.BatchHeader.Digest(), s.BatchHeader.TimeMs
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
		return common.Hash{}, err
	}
	return header.Hash(), nil
}

// Rollback implements engine.Ledger.
func (l *ledger) Rollback(seq consensus.Seq) { l.chain.Rollback(uint64(seq)) }

// Commit implements engine.Ledger.
func (l *ledger) Commit(h *consensus.BatchHeader, c *consensus.CommitCertificate) error {
	err := l.chain.Commit(h, c)
	if d := new(chain.Divergence); errors.As(err, &d) {
		return fmt.Errorf("%w: %w", pbft.ErrDivergence, err)
	}
	if err == nil {
		l.tellPool()
	}
	return err
}

// Import makes a verified block of a peer final. Only the ledger loop, or an
// observer's block sync, calls it.
func (l *ledger) Import(ctx context.Context, v *chain.Verified) error {
	err := l.chain.ImportVerified(ctx, v)
	if err == nil {
		l.tellPool()
	}
	return err
}

// tellPool hands the block that has just become final to the pool.
func (l *ledger) tellPool() {
	select {
	case e := <-l.final.C():
		skipped := make(map[common.Hash]string, len(e.Skipped))
		for _, s := range e.Skipped {
			skipped[s.Hash] = s.Reason.Error()
		}
		l.pool.Committed(e.Block.NumberU64(), e.Block, skipped)
	default: // it was final before
	}
}

// Boundary implements engine.Ledger.
func (l *ledger) Boundary(seq consensus.Seq) (*pbft.Boundary, error) {
	h, err := l.chain.Header(uint64(seq))
	if err != nil {
		return nil, err
	}
	next := consensus.EpochOf(seq, l.reg.Params().EpochLength) + 1
	return &pbft.Boundary{BlockHash: h.Hash(), StateRoot: h.Root, Next: l.reg.ValidatorSet(next), Suspended: l.reg.Suspended(next)}, nil
}

// Epoch implements engine.Membership.
func (l *ledger) Epoch(e consensus.Epoch) pbft.EpochStart {
	return pbft.EpochStart{Epoch: e, Set: l.reg.ValidatorSet(e), Suspended: l.reg.Suspended(e)}
}
