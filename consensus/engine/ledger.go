package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// ledgerLoop is the one goroutine that writes the chain. Tasks run in the
// order in which they were given; results come back as inputs.
type ledgerLoop struct {
	e      *Engine
	tasks  chan func(ctx context.Context)
	hashes map[consensus.Seq]common.Hash // of executed, uncommitted blocks
}

// extraTasks is the room in the queue beside 2W executions and commits: one
// import of block sync and one rollback.
const extraTasks = 8

func newLedgerLoop(e *Engine) *ledgerLoop {
	return &ledgerLoop{
		e:      e,
		tasks:  make(chan func(context.Context), 2*e.cfg.Params.PipelineDepth+extraTasks),
		hashes: map[consensus.Seq]common.Hash{},
	}
}

func (l *ledgerLoop) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case task := <-l.tasks:
			task(ctx)
		}
	}
}

func (l *ledgerLoop) give(ctx context.Context, task func(context.Context)) {
	select {
	case l.tasks <- task:
	case <-ctx.Done():
	}
}

// execute runs one batch on the block before it. Orders that block sync or a
// rollback has overtaken are passed over: the replica orders them again.
func (l *ledgerLoop) execute(ctx context.Context, o pbft.Order, txs []*types.Transaction) {
	head := l.e.deps.Ledger.Head()
	parent, ok := l.hashes[o.Seq-1]
	if o.Seq == head.Seq+1 {
		parent, ok = head.BlockHash, true
	}
	if !ok || o.Seq <= head.Seq {
		return
	}
	began := time.Now()
	hash, err := l.e.deps.Ledger.Execute(ctx, &o.Batch.Header, parent, txs)
	if errors.Is(err, ErrStale) {
		return
	}
	if err != nil {
		l.e.fail(ctx, fmt.Errorf("executing %d: %w", o.Seq, err))
		return
	}
	l.e.aim.learn(len(txs), time.Since(began))
	l.hashes[o.Seq] = hash
	l.e.seen.executed(o.Seq)
	l.e.post(pbft.Executed{Seq: o.Seq, Digest: o.Digest, BlockHash: hash})
}

func (l *ledgerLoop) rollback(seq consensus.Seq) {
	l.e.deps.Ledger.Rollback(seq)
	for n := range l.hashes {
		if n > seq {
			delete(l.hashes, n)
		}
	}
}

// commit makes one block final and durable. The block is executed here unless
// that is known already. Two are passed over: what block sync has imported,
// because it is durable only when that sync has flushed it, and then onSynced
// says so; and what stands above a divergence.
func (l *ledgerLoop) commit(ctx context.Context, c pbft.Committed, txs []*types.Transaction) {
	seq, head := c.Certificate.Seq, l.e.deps.Ledger.Head()
	delete(l.hashes, seq)
	if seq != head.Seq+1 {
		return
	}
	_, err := l.e.deps.Ledger.Execute(ctx, &c.Batch.Header, head.BlockHash, txs)
	if err == nil {
		l.e.seen.executed(seq)
		err = l.e.deps.Ledger.Commit(&c.Batch.Header, c.Certificate)
	}
	if errors.Is(err, pbft.ErrDivergence) {
		l.e.post(pbft.Diverged{Seq: seq, Err: err})
		return
	}
	if err != nil {
		l.e.fail(ctx, fmt.Errorf("committing %d: %w", seq, err))
		return
	}
	l.e.seen.durable(seq)
	in, err := l.e.durable(seq)
	if err != nil {
		l.e.fail(ctx, err)
		return
	}
	l.e.post(in)
}

func (l *ledgerLoop) stable(ctx context.Context, c *consensus.CheckpointCertificate) {
	err := l.e.deps.Ledger.Stable(c)
	switch {
	case errors.Is(err, pbft.ErrDivergence):
		l.e.post(pbft.Diverged{Seq: c.Seq, Err: err})
	case err != nil:
		l.e.fail(ctx, fmt.Errorf("checkpoint %d: %w", c.Seq, err))
	}
}

// durable is the input that follows a durable block.
func (e *Engine) durable(seq consensus.Seq) (pbft.Durable, error) {
	in, err := e.deps.Ledger.Outcome(seq)
	if err != nil {
		return in, fmt.Errorf("outcome of block %d: %w", seq, err)
	}
	return in, nil
}

// Exclusive runs f on the ledger loop, between two of its tasks: block sync
// imports there. It returns f's error, or the context's.
func (e *Engine) Exclusive(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	select {
	case e.ledger.tasks <- func(context.Context) { done <- f() }:
	case <-ctx.Done():
		return ctx.Err()
	case <-e.done:
		return errStopped
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-e.done:
		return errStopped
	}
}
