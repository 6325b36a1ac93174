package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus/pbft"
)

// synced says that a block sync has ended, well or not.
type synced struct{ err error }

// connected says that a validator's connection came up.
type connected struct{ validator common.Address }

// moved says that somebody else than the engine has imported blocks.
type moved struct{}

// Moved tells the engine that blocks were imported without its asking, by a node
// that follows the chain while it has no vote.
func (e *Engine) Moved() { _, _ = e.accept(moved{}) }

// Connected tells the engine that a validator is reachable: it gets a STATUS
// at once. The message is never dropped for long: the next STATUS is due
// within seconds.
func (e *Engine) Connected(validator common.Address) { _, _ = e.accept(connected{validator}) }

func (e *Engine) onConnected(c connected) {
	if i, ok := e.epoch.Load().set.Index(c.validator); ok {
		e.replica.Greet(c.validator)
		e.tellEvidence(i)
	}
}

// startSync begins a block sync unless one is running.
func (e *Engine) startSync(t *pbft.Target) {
	if e.syncing {
		return
	}
	e.syncing = true
	from := e.sources(t)
	e.spawn(func(ctx context.Context) {
		e.post(synced{e.deps.Syncer.SyncTo(ctx, t.Seq, from)})
	})
}

// sources lists whom a block sync asks: those that claim to be ahead, and then
// the others. The only one that has said so may have been cut off since, and the
// rest have moved on.
func (e *Engine) sources(t *pbft.Target) []common.Address {
	set := e.epoch.Load().set
	from := slices.Clone(t.From)
	for i := range set.Len() {
		if a := set.Address(i); a != e.deps.Signer.Address() && !slices.Contains(from, a) {
			from = append(from, a)
		}
	}
	return from
}

// onSynced tells the replica where the chain is now, also after a failure: the
// blocks before it count.
func (e *Engine) onSynced(s synced) {
	e.syncing = false
	if s.err != nil && e.ctx.Err() == nil {
		e.cfg.Log.Warn("block sync ended early", "err", s.err)
	}
	if errors.Is(s.err, pbft.ErrDivergence) {
		e.inject(pbft.Diverged{Seq: e.deps.Ledger.Head().Seq + 1, Err: s.err})
		return
	}
	e.follow()
}

// follow tells the replica where the chain is.
func (e *Engine) follow() {
	head := e.deps.Ledger.Head()
	at := max(head.Seq, 1)
	if e.deps.Membership.Recovered(head.Seq) {
		at++
	}
	start, err := e.deps.Membership.EpochOf(at)
	if err != nil {
		e.fail(e.ctx, fmt.Errorf("epoch of block %d: %w", head.Seq, err))
		return
	}
	e.inject(pbft.Synced{Head: head, Epoch: &start})
	if head.Seq == start.Last() {
		d, err := e.durable(head.Seq)
		if err != nil {
			e.fail(e.ctx, err)
			return
		}
		e.inject(d)
	}
}
