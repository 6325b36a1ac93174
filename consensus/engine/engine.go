package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// Engine runs one validator's replica. New starts nothing; Run owns every
// goroutine. Receive, Connected, Exclusive, Report and ServeBodies are safe
// for concurrent use.
type Engine struct {
	cfg    Config
	deps   Deps
	guard  *guard
	bodies *bodyStore
	ledger *ledgerLoop
	seen   *chronicle

	inbox   chan any // from the wire; bounded, overflow is dropped
	results chan any // from own goroutines; never dropped
	inspect chan func(*pbft.Replica)
	fatal   chan error

	epoch   atomic.Pointer[epochView]
	dropped drops
	early   map[common.Address]*earlyBox
	earlyMu sync.Mutex

	// Owned by the engine goroutine.
	replica  *pbft.Replica
	pending  []pbft.Input // to step in this round
	evidence evidenceBook
	gate     changeGate            // of Receive
	aim      aim                   // shared with the ledger loop
	told     []*consensus.Evidence // by others, to be adopted in this round
	wanted   map[common.Hash]*wanted
	lastTick time.Time
	asleep   time.Duration // how long the loop meant to wait at most, when it last did
	syncing  bool
	building built // the pool's answer, until it is proposed

	running sync.WaitGroup
	ctx     context.Context // of Run, for goroutines started by it
	done    chan struct{}
}

// resultsRoom is more than all tasks that can be outstanding: executions and
// commits of a window of 256, fetches, one block sync.
const resultsRoom = 2048

// New builds the engine and restores the replica from journal and ledger.
func New(cfg Config, deps Deps) (*Engine, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	e := &Engine{
		cfg: cfg, deps: deps, bodies: newBodyStore(2 * int(cfg.Params.MaxBatchBytes)), guard: newGuard(deps.Signer, deps.Voted, cfg.Domain),
		inbox: make(chan any, cfg.Limits.Inbox), results: make(chan any, resultsRoom),
		inspect: make(chan func(*pbft.Replica)), fatal: make(chan error, 1),
		early: map[common.Address]*earlyBox{}, wanted: map[common.Hash]*wanted{}, done: make(chan struct{}),
	}
	e.ledger = newLedgerLoop(e)
	e.seen = newChronicle(cfg.Observe, deps.Signer.Address(), consensus.Seq(2*cfg.Params.PipelineDepth))
	return e, e.restore()
}

// restore builds the replica. The epoch is that of the next block, unless the
// head ends an epoch whose checkpoint is not stable yet. A recovery needs none.
func (e *Engine) restore() error {
	head := e.deps.Ledger.Head()
	records, err := e.loadJournal(head.Seq)
	if err != nil {
		return err
	}
	start, err := e.deps.Membership.EpochOf(head.Seq + 1)
	if err == nil && head.Seq > 0 && start.First == head.Seq+1 && !hasStable(records, head.Seq) && !e.deps.Membership.Recovered(head.Seq) {
		start, err = e.deps.Membership.EpochOf(head.Seq)
	}
	if err != nil {
		return fmt.Errorf("the epoch at block %d: %w", head.Seq, err)
	}
	records = withoutCut(records, start.EpochRules)
	self := e.deps.Signer.Address()
	index, member := start.Set.Index(self)
	e.guard.remember(records, func(v *consensus.Vote) bool { return member && v.Sender == uint64(index) })
	voted, err := e.deps.Voted.Past()
	if err != nil {
		return err
	}
	e.replica, err = pbft.New(
		pbft.Config{Self: self, FullBatch: e.cfg.FullBatch, Beneficiary: e.cfg.Beneficiary},
		pbft.Start{Head: head, Epoch: start, NowMs: nowMs(), Voted: voted, Journal: records})
	if err != nil {
		return err
	}
	e.lastTick = time.Now()
	if in, err := e.durable(head.Seq); err != nil {
		return err
	} else if in.Boundary != nil {
		e.inject(in)
	}
	e.publishEpoch()
	e.seen.restored(e.replica.Report().Active)
	return nil
}

// withoutCut leaves out the votes of an epoch about blocks that are of a later one: a
// recovery has cut it below them, and no replica votes in it any more.
func withoutCut(records []pbft.Record, now *consensus.EpochRules) []pbft.Record {
	return slices.DeleteFunc(records, func(r pbft.Record) bool {
		switch r.Kind {
		case pbft.RecordProposal:
			return r.Seq >= now.First && r.Batch.Header.Epoch < now.Epoch
		case pbft.RecordPrepared:
			return r.Seq >= now.First && r.Prepared.Header.Epoch < now.Epoch
		}
		return false
	})
}

func hasStable(records []pbft.Record, seq consensus.Seq) bool {
	for _, r := range records {
		if r.Kind == pbft.RecordStable && r.Stable.Seq >= seq {
			return true
		}
	}
	return false
}

var errStopped = errors.New("the consensus engine has stopped")

func nowMs() uint64 { return uint64(time.Now().UnixMilli()) }

// Run runs the replica until ctx ends or the ledger, the journal or the signer
// fails. A protocol halt does not end it: the node stays up to say why.
func (e *Engine) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	e.ctx = ctx
	defer close(e.done)
	defer e.running.Wait()
	defer cancel()
	e.spawn(e.ledger.run)
	e.spawn(func(ctx context.Context) { e.seen.checkLate(ctx, e.cfg.Domain) })
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if err := e.round(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		e.asleep = e.nextWake()
		timer.Reset(e.asleep)
		// What had come while the engine was at work goes before the time that this
		// took: a stall of one's own disk is not the primary's fault.
		idle := len(e.results)+len(e.inbox) == 0
		var x any
		select {
		case <-ctx.Done():
			return nil
		case err := <-e.fatal:
			return err
		case x = <-e.results:
		case x = <-e.inbox:
		case x = <-e.inspect:
		case <-e.deps.Batcher.Wake():
			x = arrived{}
		case <-timer.C:
			x = arrived{}
		}
		if idle {
			e.tick() // before what ended the wait: a timer that this starts must start now
		}
		e.take(x)
		e.drainInbox()
	}
}

// drainInbox takes what is there, so that one fsync serves many inputs.
func (e *Engine) drainInbox() {
	for range e.cfg.Limits.Drain {
		select {
		case x := <-e.results:
			e.take(x)
		case x := <-e.inbox:
			e.take(x)
		default:
			return
		}
	}
}

// take turns what arrived into inputs of the replica.
func (e *Engine) take(x any) {
	switch x := x.(type) {
	case pbft.Input:
		e.inject(x)
	case arrived:
		e.gatherAll()
	case answered:
		e.onAnswered(x)
	case fetched:
		e.onFetched(x)
	case synced:
		e.onSynced(x)
	case moved:
		e.follow()
	case connected:
		e.onConnected(x)
	case told:
		e.told = append(e.told, x.evidence)
	case func(*pbft.Replica):
		x(e.replica)
	default:
		panic(fmt.Sprintf("engine: %T in the inbox", x))
	}
}

func (e *Engine) inject(in pbft.Input) { e.pending = append(e.pending, in) }

// nextWake is when the replica or a batch with missing bodies needs the clock.
func (e *Engine) nextWake() time.Duration {
	wake := time.Duration(e.replica.NextTick()) * consensus.TickMs * time.Millisecond
	for _, w := range e.wanted {
		if w.waits(e.epoch.Load().set.Len()) {
			wake = min(wake, max(time.Until(w.deadline), time.Millisecond))
		}
	}
	return wake
}

// round steps everything pending and does what the replica wants, until it
// wants nothing more.
func (e *Engine) round(ctx context.Context) error {
	e.tick()
	e.inject(e.pool())
	for _, ev := range e.told {
		if err := e.adoptEvidence(ev); err != nil {
			return err
		}
	}
	e.told = nil
	for {
		for len(e.pending) > 0 {
			in := e.pending[0]
			e.pending = e.pending[1:]
			if err := e.replica.Step(in); err != nil {
				e.seen.refused(err)
				e.cfg.Log.Debug("refused", "input", fmt.Sprintf("%T", in), "err", err)
			}
		}
		rd := e.replica.Ready()
		if rd.Empty() {
			return nil
		}
		if err := e.handle(ctx, &rd); err != nil {
			return err
		}
	}
}

// tick tells the replica how many whole ticks have passed. Time in which this
// process did not run (SIGSTOP, a suspended machine) counts for little: what
// the others said meanwhile still waits in the inbox, and a replica whose timers
// all fire on waking asks alone for a view, and is lost until the next one.
func (e *Engine) tick() {
	const tick = consensus.TickMs * time.Millisecond
	absent := time.Duration(e.cfg.Params.BaseTimeoutMs) * time.Millisecond / 4 // a loop that lives is never later than this
	if late := time.Since(e.lastTick) - e.asleep - absent; late > 0 {
		e.lastTick = e.lastTick.Add(late)
	}
	n := time.Since(e.lastTick) / tick
	if n <= 0 {
		return
	}
	e.lastTick = e.lastTick.Add(n * tick)
	e.inject(pbft.Tick{Ticks: uint64(n), NowMs: nowMs()})
}

// handle does one Ready. The ledger gets its tasks first, so that execution
// and fsync overlap; nothing is sent before the journal is durable.
func (e *Engine) handle(ctx context.Context, rd *pbft.Ready) error {
	e.seen.ready(rd)
	e.adoptBuilt(rd)
	e.giveLedger(ctx, rd)
	for _, b := range rd.Check {
		e.check(b)
	}
	if rd.Build != nil {
		e.build(rd.Build)
	}
	if err := e.persist(rd.Persist); err != nil {
		return err
	}
	e.settle()
	for i := range rd.Messages {
		if err := e.send(ctx, &rd.Messages[i]); err != nil {
			return err
		}
	}
	if rd.Stable != nil {
		if err := e.onStable(rd.Stable); err != nil {
			return err
		}
	}
	if rd.Transfer != nil {
		e.startSync(rd.Transfer)
	}
	if rd.Held != nil {
		if err := e.onHeld(rd.Held); err != nil {
			return err
		}
	}
	e.report(rd)
	for _, err := range rd.Refused {
		e.cfg.Log.Debug("proposal refused", "err", err)
	}
	for i := range rd.Evidence {
		if err := e.adoptEvidence(&rd.Evidence[i]); err != nil {
			return err
		}
	}
	if rd.Halt != nil {
		e.cfg.Log.Error("halted: this validator votes no more until its operator acts", "reason", rd.Halt, "replica", e.replica.String())
	}
	return nil
}

// onHeld tells the operator and the file beside the key, which from now on says
// what this key may have voted in.
func (e *Engine) onHeld(h *pbft.Opened) error {
	e.cfg.Log.Error("held back: this validator may have forgotten votes and sends none for a while", "why", h.Why.String(), "until epoch", h.Hold, "replica", e.replica.String())
	if err := e.deps.Voted.Record(h.Hold - 1); err != nil {
		return fmt.Errorf("recording that this key may have voted before epoch %d: %w", h.Hold, err)
	}
	return nil
}

// report tells of view changes, and shows the others what waits too long.
func (e *Engine) report(rd *pbft.Ready) {
	if rd.Forward {
		e.deps.Wire.Forward(time.Duration(e.cfg.Params.BaseTimeoutMs) * time.Millisecond / 4)
	}
	for _, a := range rd.Asked {
		e.cfg.Log.Warn("asks for another view", "view", a.View, "why", a.Why.String(), "seq", a.Seq, "primary", a.Primary, "replica", e.replica.String())
	}
	for _, v := range rd.Entered {
		e.cfg.Log.Info("view entered", "view", v, "replica", e.replica.String())
	}
}

// giveLedger hands over rollback, commits and executions, in this order.
func (e *Engine) giveLedger(ctx context.Context, rd *pbft.Ready) {
	if rd.Rollback != nil {
		seq := *rd.Rollback
		e.deps.Batcher.Release(seq + 1)
		e.ledger.give(ctx, func(context.Context) { e.ledger.rollback(seq) })
	}
	for _, c := range rd.Committed { // before Execute, which may reach W above them
		txs := e.bodies.txs(c.Certificate.BatchDigest)
		e.ledger.give(ctx, func(ctx context.Context) { e.ledger.commit(ctx, c, txs) })
	}
	if c := rd.Stable; c != nil {
		e.ledger.give(ctx, func(ctx context.Context) { e.ledger.stable(ctx, c) })
	}
	for _, o := range rd.Execute {
		txs := e.bodies.txs(o.Digest)
		e.deps.Batcher.InFlight(o.Seq, txs)
		e.ledger.give(ctx, func(ctx context.Context) { e.ledger.execute(ctx, o, txs) })
	}
	if len(rd.Execute) > 0 {
		e.inject(e.pool())
	}
}

// pool says what waits. Only a stable primary is judged by the transaction that
// waits longest, and finding it takes the pool's lock, so the others are not
// asked.
func (e *Engine) pool() pbft.Pool {
	p := pbft.Pool{Executable: e.deps.Batcher.Executable()}
	if p.Executable > 0 && e.epoch.Load().rules.Params.PrimarySpan == 0 {
		p.Oldest = e.deps.Batcher.Oldest()
	}
	return p
}

// settle follows the replica to where it stands now: it tells Receive, and
// forgets the bodies of final batches, whose tasks hold what they need. It
// comes after persist, which may journal a proposal that was accepted and
// committed in one round.
func (e *Engine) settle() {
	was, at := e.epoch.Load(), e.replica.Position()
	if at.Rules.Epoch == was.epoch && at.Committed == was.committed {
		return
	}
	e.publishEpoch()
	e.bodies.forget(at.Committed)
	for digest, w := range e.wanted {
		if w.batch.Header.Seq <= at.Committed {
			delete(e.wanted, digest)
		}
	}
}

// build asks the pool for the next batch.
func (e *Engine) build(b *pbft.BuildRequest) {
	quarter := time.Duration(e.cfg.Params.BaseTimeoutMs) * time.Millisecond / 4
	txs := e.deps.Batcher.Build(e.aim.limit(b.MaxTransactions, quarter), b.MaxBytes, b.GasLimit)
	in := pbft.BatchBuilt{View: b.View, Seq: b.Seq}
	for _, tx := range txs {
		in.Hashes = append(in.Hashes, tx.Hash())
	}
	if len(txs) > 0 {
		e.building = built{hash: consensus.HashOfTransactions(in.Hashes), txs: txs}
	}
	e.inject(in)
}

// adoptBuilt stores the bodies of an own proposal under its digest, which the
// replica has just given it.
func (e *Engine) adoptBuilt(rd *pbft.Ready) {
	for i := range rd.Persist {
		b := rd.Persist[i].Batch
		if b != nil && len(e.building.txs) > 0 && b.Header.TxsHash == e.building.hash {
			e.bodies.put(b.Digest(), b.Header.Seq, e.building.txs)
			e.building = built{}
		}
	}
}

func (e *Engine) persist(records []pbft.Record) error {
	if len(records) == 0 {
		return nil
	}
	out := make([]JournalRecord, len(records))
	for i := range records {
		var err error
		if out[i], err = e.encodeRecord(&records[i]); err != nil {
			return err
		}
	}
	if err := e.deps.Journal.Append(out); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// onStable cuts the journal below the checkpoint.
func (e *Engine) onStable(c *consensus.CheckpointCertificate) error {
	e.guard.cut(c.Seq)
	if err := e.deps.Journal.Truncate(uint64(c.Seq) + 1); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// publishEpoch tells Receive where the replica stands. Messages that were kept
// for an epoch come in when it is entered, by a checkpoint or by block sync.
func (e *Engine) publishEpoch() {
	at := e.replica.Position()
	e.seen.enter(at)
	old := e.epoch.Swap(&epochView{rules: at.Rules, epoch: at.Rules.Epoch, set: at.Rules.Set, left: at.Left, committed: at.Committed})
	if old != nil && old.epoch != at.Rules.Epoch {
		e.spawn(func(context.Context) { e.replayEarly() })
	}
}

// post hands a result of an own goroutine to the engine goroutine.
func (e *Engine) post(x any) {
	select {
	case e.results <- x:
	case <-e.ctx.Done():
	}
}

// fail ends Run: the ledger is broken, or the context is over.
func (e *Engine) fail(ctx context.Context, err error) {
	if ctx.Err() != nil || errors.Is(err, context.Canceled) {
		return
	}
	select {
	case e.fatal <- err:
	default:
	}
}

func (e *Engine) spawn(f func(context.Context)) {
	e.running.Add(1)
	go func() {
		defer e.running.Done()
		f(e.ctx)
	}()
}

// Report describes the replica. It asks the engine goroutine, or returns the
// context's error.
func (e *Engine) Report(ctx context.Context) (consensus.Report, error) {
	out := make(chan consensus.Report, 1)
	select {
	case e.inspect <- func(r *pbft.Replica) { out <- r.Report() }:
		return <-out, nil
	case <-e.done:
		return consensus.Report{}, errStopped
	case <-ctx.Done():
		return consensus.Report{}, ctx.Err()
	}
}
