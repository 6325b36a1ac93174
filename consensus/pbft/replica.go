package pbft

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// Config is what a replica knows of itself and of its network.
type Config struct {
	Self common.Address // the validator; one outside the set watches and votes nothing
	// FullBatch is how many waiting transactions make a batch worth proposing
	// while another is still in flight. Below it the primary waits for the
	// pipeline to drain, so that under light load every block is full of what
	// arrived meanwhile and nobody waits for a timer.
	FullBatch int
	// Beneficiary is the coinbase of the batches proposed here.
	Beneficiary common.Address
}

// DefaultFullBatch is large enough that per-block work (signatures, fsyncs,
// tries) is small beside the transactions, and small enough that a block
// executes in a tenth of a second.
const DefaultFullBatch = 1000

// Start is what a replica begins with: the durable head, the epoch that the
// next seq belongs to, and the journal.
type Start struct {
	Head    Head
	Epoch   EpochStart
	NowMs   uint64
	Voted   Voted    // the file beside the key
	Journal []Record // of this epoch, also what is at or below the head
}

// Replica is one validator's state of the protocol. It is not safe for
// concurrent use; the engine's goroutine owns it.
type Replica struct {
	cfg Config

	// The epoch: its rules, and what of them is needed all the time.
	rules        *consensus.EpochRules
	params       consensus.Params
	epoch        consensus.Epoch
	set          *consensus.ValidatorSet
	leavers      []leaver         // the last that have left, the newest last
	left         []common.Address // these; never changed, only replaced
	self         int              // sender index, -1 outside the set
	first, last  consensus.Seq
	parentDigest common.Hash // of the batch before first

	// The view. What is asked for is promised: no PREPARE or COMMIT leaves in a
	// view below it. Slots and schedule belong to the active one.
	view     consensus.View // asked for or entered
	active   consensus.View // entered last
	schedule *consensus.Schedule
	entered  *opening         // the NEW-VIEW of active; nil in view 0
	oFrom    consensus.Seq    // the NEW-VIEW proposes oFrom … oEnd; oEnd is below first in view 0
	oEnd     consensus.Seq    //
	asked    *consensus.Vote  // the newest own VIEW-CHANGE
	nextAsk  uint64           // tick at which it is sent again
	changes  []change         // by sender: the newest VIEW-CHANGE
	openings []*opening       // by sender: the newest NEW-VIEW
	future   [][]Message      // by sender: votes of higher views
	faulty   consensus.Bitset // primaries who proved themselves faulty in this view

	// Progress. Each only grows.
	committed Head
	durable   consensus.Seq
	pending   bool                         // the state after the durable block has other rules for the next epoch
	base      *consensus.CommitCertificate // of a durable block of this epoch, the newest
	stable    consensus.Seq

	voted      Voted  // what the file beside the key said
	journalled bool   // the journal is whole: it has its Opened record
	opened     Opened // the newest
	marks      [consensus.NewView + 1]mark
	newest     []newestVotes   // by sender
	shownTo    consensus.Epoch // after the newest own vote that others showed and nobody here remembers, 0 = none
	nextFlush  uint64          // tick before which no empty batches end an epoch
	flushed    bool            // an empty batch was accepted in this epoch

	starting bool // exchanging STATUS before the first vote
	decided  bool // it is known what this replica remembers of its votes
	syncing  bool // more than the window behind a verified certificate

	slots      map[consensus.Seq]*slot   // above the committed one: to +2W, or as far as the journal goes; never iterated
	memories   map[consensus.Seq]*memory // above the base; never iterated
	building   bool
	quietSince uint64 // tick of the last commit
	paceUntil  uint64 // tick before which only a full batch is proposed
	pool       int
	oldest     uint64        // mark of the transaction that waits longest, 0 = none
	oldestAt   uint64        // fresh when that one came
	fresh      uint64        // batches with transactions accepted in this view
	progressed bool          // something was committed in this view
	backoff    uint32        // k: how often patience has doubled
	highest    consensus.Seq // highest seq executed or ordered for execution
	timers     timers

	boundary    *Boundary                        // of the epoch's last block once durable
	checkpoints []*consensus.Vote                // by sender, for the epoch's last seq
	ending      *consensus.CheckpointCertificate // verified, waiting for the block here
	lastStable  *consensus.CheckpointCertificate
	recent      []Committed // the newest, ascending: 2W, or from the durable one on

	peers    []peer // by sender index
	verified consensus.Seq
	transfer transfer

	ticks      uint64
	nowMs      uint64
	nextStatus uint64 // tick of the next STATUS
	behindAt   uint64 // tick at which others were first seen ahead, 0 = they are not

	halted error
	out    Ready
}

// New builds a replica from its durable head and journal. It votes nothing
// before it has heard the STATUS of q−1 others; a network of one starts at
// once.
func New(cfg Config, st Start) (*Replica, error) {
	if err := st.Epoch.Params.Validate(); err != nil {
		return nil, fmt.Errorf("protocol parameters of epoch %d: %w", st.Epoch.Epoch, err)
	}
	if cfg.FullBatch <= 0 {
		cfg.FullBatch = DefaultFullBatch
	}
	r := &Replica{cfg: cfg, committed: st.Head, durable: st.Head.Seq, pending: st.Head.Pending, highest: st.Head.Seq, nowMs: st.NowMs, voted: st.Voted, starting: true}
	r.openEpoch(st.Epoch)
	if c := st.Head.Certificate; st.Head.Seq >= r.first && (c == nil || c.Seq != st.Head.Seq) {
		return nil, fmt.Errorf("start: the head, %d, has no commit certificate", st.Head.Seq)
	}
	r.advanceBase(st.Head.Certificate)
	if !r.rules.Owns(st.Head.Seq+1) && r.last != st.Head.Seq {
		return nil, fmt.Errorf("start: head %d does not belong before or into epoch %d, which has %d … %d", st.Head.Seq, r.epoch, r.first, r.last)
	}
	if err := r.restore(st.Journal); err != nil {
		return nil, err
	}
	r.maybeStart()
	r.progress()
	return r, nil
}

// openEpoch sets everything that belongs to one epoch.
func (r *Replica) openEpoch(e EpochStart) {
	n := e.Set.Len()
	r.rules, r.params, r.epoch, r.set, r.parentDigest = e.EpochRules, e.Params, e.Epoch, e.Set, e.Parent
	r.part(e.Before)
	r.first, r.last = e.First, e.Last()
	r.schedule = e.Schedule()
	r.stable = r.first - 1
	r.self = -1
	if i, ok := e.Set.Index(r.cfg.Self); ok {
		r.self = i
		r.starting = r.starting || !r.decided // who comes in from outside begins like a restarted one
	}
	r.view, r.active, r.entered, r.asked = 0, 0, nil, nil
	r.oFrom, r.oEnd = r.first, r.first-1
	r.changes, r.openings, r.future = make([]change, n), make([]*opening, n), make([][]Message, n)
	r.faulty = consensus.NewBitset(n)
	r.marks = [consensus.NewView + 1]mark{}
	r.newest = make([]newestVotes, n)
	if r.flushed {
		r.nextFlush = r.ticks + ticksPer(flushEveryMs)
	}
	r.flushed = false
	r.extendOpened()
	r.slots = make(map[consensus.Seq]*slot)
	r.memories = make(map[consensus.Seq]*memory)
	r.base = nil
	r.building, r.progressed = false, false
	r.resetTimers()
	r.boundary, r.ending = nil, nil
	r.checkpoints = make([]*consensus.Vote, n)
	r.peers = make([]peer, n)
	r.nextStatus = r.ticks
}

// resetTimers gives every timer its full time in a new epoch. Of a stable
// primary, which goes on into it, the time in which it has passed over the
// oldest waiting transaction counts on: it may be longer than an epoch.
func (r *Replica) resetTimers() {
	old := r.timers
	r.timers = timers{}
	if r.params.PrimarySpan == 0 {
		r.timers.request, r.timers.forward, r.timers.vain = old.request, old.forward, old.vain
		return
	}
	r.fresh, r.oldestAt = 0, 0
}

// mode says what the replica is doing.
func (r *Replica) mode() consensus.Mode {
	switch {
	case r.halted != nil:
		return consensus.Halted
	case r.starting:
		return consensus.Starting
	case r.syncing:
		return consensus.Syncing
	case r.held():
		return consensus.HeldBack
	case r.changing():
		return consensus.ViewChanging
	}
	return consensus.Normal
}

// changing reports whether another view was asked for than the one that was
// entered.
func (r *Replica) changing() bool { return r.view > r.active }

// Ready returns everything that the inputs since the last call ask for, and
// forgets it. The caller owns the result.
func (r *Replica) Ready() Ready {
	out := r.out
	r.out = Ready{}
	return out
}

// Step applies one input. The error says why a message was refused; it is one
// of the Err values of this package, possibly wrapped, and never fatal.
func (r *Replica) Step(in Input) error {
	if r.halted != nil {
		return r.stepHalted(in)
	}
	err := r.dispatch(in)
	r.progress()
	return err
}

// stepHalted keeps answering those who ask, so that an operator sees the halt
// on every peer, and does nothing else.
func (r *Replica) stepHalted(in Input) error {
	switch in := in.(type) {
	case Tick:
		return r.onTick(in)
	case Message:
		if in.Status != nil {
			return r.onStatus(in.From, in.Status)
		}
	}
	return fmt.Errorf("%w: %w", ErrHalted, r.halted)
}

func (r *Replica) dispatch(in Input) error {
	switch in := in.(type) {
	case Message:
		return r.onMessage(in)
	case Tick:
		return r.onTick(in)
	case Pool:
		if r.pool = in.Executable; in.Oldest != r.oldest {
			r.oldest, r.oldestAt = in.Oldest, r.fresh
		}
		return nil
	case BatchBuilt:
		return r.onBuilt(in)
	case BatchChecked:
		return r.onChecked(in)
	case Executed:
		return r.onExecuted(in)
	case Durable:
		return r.onDurable(in)
	case Synced:
		return r.onSynced(in)
	case Diverged:
		r.halt(fmt.Errorf("%w: seq %d: %w", ErrDivergence, in.Seq, in.Err))
		return nil
	}
	return fmt.Errorf("%w: %T", ErrKind, in)
}

func (r *Replica) onMessage(m Message) error {
	switch {
	case m.Vote != nil:
		return r.onVote(m.Vote, m.Batch)
	case m.Batch != nil:
		return r.onBatch(m.Batch)
	case m.Evidence != nil:
		r.onEvidence(m.Evidence)
		return nil
	case m.Fetch != nil:
		return r.onFetch(m.From, m.Fetch)
	case m.Certificate != nil:
		return r.onCertificate(m.Certificate)
	case m.Checkpoint != nil:
		return r.onCheckpointCertificate(m.Checkpoint)
	case m.Status != nil:
		return r.onStatus(m.From, m.Status)
	}
	return ErrKind
}

// onVote applies the rules common to all votes, then those of the kind.
func (r *Replica) onVote(v *consensus.Vote, b *consensus.Batch) error {
	switch {
	case v.Epoch != r.epoch:
		return fmt.Errorf("%w: %d, here it is %d", ErrEpoch, v.Epoch, r.epoch)
	case v.Sender >= uint64(r.set.Len()):
		return fmt.Errorf("%w: index %d of %d", ErrSender, v.Sender, r.set.Len())
	}
	r.noteNewest(v)
	if int(v.Sender) == r.self {
		r.seeOwn(v)
	}
	switch v.Kind {
	case consensus.ViewChange:
		return r.onViewChange(v)
	case consensus.NewView:
		return r.onNewView(v)
	}
	if v.Seq < r.first || v.Seq > r.last || v.Seq <= r.stable {
		return fmt.Errorf("%w: %d is not in %d … %d", ErrSeqRange, v.Seq, r.first, r.last)
	}
	if v.Kind == consensus.Checkpoint {
		return r.onCheckpoint(v)
	}
	switch {
	case v.View < r.active:
		return ErrOldView
	case v.Seq <= r.committed.Seq:
		return ErrCommitted
	case v.Seq > r.committed.Seq+consensus.Seq(2*r.params.PipelineDepth):
		return ErrWindow
	case v.View > r.active:
		return r.keepFuture(Message{Vote: v, Batch: b})
	}
	switch v.Kind {
	case consensus.PrePrepare:
		return r.onPrePrepare(v, b)
	case consensus.Prepare:
		return r.onPrepare(v)
	case consensus.Commit:
		return r.onCommit(v)
	}
	return fmt.Errorf("%w: %s", ErrKind, v.Kind)
}

// slot returns the slot of seq, making it if need be. The caller has checked
// that seq is above the committed one and inside the window.
func (r *Replica) slot(seq consensus.Seq) *slot {
	s := r.slots[seq]
	if s == nil {
		s = newSlot(seq, r.set.Len())
		r.slots[seq] = s
		r.nextStatus = min(r.nextStatus, r.ticks+ticksPer(stallStatusMs))
	}
	return s
}

// put stores the first vote of a sender in its place; a second one that says
// something else is evidence.
func (r *Replica) put(place []*consensus.Vote, v *consensus.Vote) error {
	old := place[v.Sender]
	if old == nil {
		place[v.Sender] = v
		return nil
	}
	if old.SameStatement(v) {
		return nil
	}
	r.accuse(old, v)
	return fmt.Errorf("%w: %s of validator %d at view %d seq %d", ErrEquivocate, v.Kind, v.Sender, v.View, v.Seq)
}

// progress does everything that the state allows now. Each step looks only at
// the state, so the order of inputs does not matter.
func (r *Replica) progress() {
	if r.halted != nil {
		return
	}
	r.maybeStart()
	r.leaveFaulty()
	r.join()
	r.enterViews()
	r.proposeView()
	r.resume()
	r.accept()
	r.markPrepared()
	r.commitVotes()
	r.finalise()
	r.endEpoch()
	r.resume() // the window has moved: what waited above it comes before anything new
	r.propose()
	r.fetchDue()
	r.runTimers()
}

// mayVote reports whether PREPARE and COMMIT may be sent now.
func (r *Replica) mayVote() bool { return r.mode() == consensus.Normal && r.self >= 0 }

// windowEnd returns the last seq that may be accepted and executed now.
func (r *Replica) windowEnd() consensus.Seq {
	return min(r.committed.Seq+consensus.Seq(r.params.PipelineDepth), r.last)
}

func (r *Replica) halt(err error) {
	if r.halted != nil {
		return
	}
	r.halted = err
	r.out.Halt = err
}

// broadcast asks for a new own vote to be signed and sent.
func (r *Replica) broadcast(v *consensus.Vote, b *consensus.Batch) {
	v.Epoch, v.Sender = r.epoch, uint64(r.self)
	r.noteOwn(v)
	r.out.Messages = append(r.out.Messages, Outbound{To: Everyone, Vote: v, Batch: b})
}

// Position is where the replica stands, for those who filter messages.
type Position struct {
	Rules     *consensus.EpochRules
	Left      []common.Address // who may still have to be told that it is no validator
	Committed consensus.Seq
}

// Position returns the rules of the replica's epoch and the committed seq.
func (r *Replica) Position() Position {
	return Position{Rules: r.rules, Left: r.left, Committed: r.committed.Seq}
}
