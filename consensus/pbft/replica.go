package pbft

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// Config is what a replica knows of itself and of its network.
type Config struct {
	Self   common.Address   // the validator; one outside the set watches and votes nothing
	Params consensus.Params // the network's
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
	Journal []Record
}

// Replica is one validator's state of the protocol. It is not safe for
// concurrent use; the engine's goroutine owns it.
type Replica struct {
	cfg    Config
	params consensus.Params

	// The epoch.
	epoch       consensus.Epoch
	set         *consensus.ValidatorSet
	schedule    *consensus.Schedule
	self        int // sender index, -1 outside the set
	first, last consensus.Seq

	// Progress. Each only grows.
	view      consensus.View
	committed Head
	durable   consensus.Seq
	stable    consensus.Seq
	mode      consensus.Mode

	slots     map[consensus.Seq]*slot // above the committed one: to +2W, or as far as the journal goes; never iterated
	building  bool
	paceUntil uint64 // tick before which only a full batch is proposed
	pool      int
	highest   consensus.Seq // highest seq executed or ordered for execution

	boundary    *Boundary                        // of the epoch's last block once durable
	checkpoints []*consensus.Vote                // by sender, for the epoch's last seq
	ending      *consensus.CheckpointCertificate // verified, waiting for the block here
	lastStable  *consensus.CheckpointCertificate
	recent      []*consensus.CommitCertificate // the newest committed, ascending, at most 2W

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
	if err := cfg.Params.Validate(); err != nil {
		return nil, fmt.Errorf("protocol parameters: %w", err)
	}
	if cfg.FullBatch <= 0 {
		cfg.FullBatch = DefaultFullBatch
	}
	r := &Replica{cfg: cfg, params: cfg.Params, committed: st.Head, durable: st.Head.Seq, highest: st.Head.Seq, nowMs: st.NowMs, mode: consensus.Starting}
	r.openEpoch(st.Epoch)
	if want := consensus.EpochOf(st.Head.Seq+1, r.params.EpochLength); st.Epoch.Epoch != want && r.last != st.Head.Seq {
		return nil, fmt.Errorf("start: head %d belongs before epoch %d, not %d", st.Head.Seq, want, st.Epoch.Epoch)
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
	k := r.params.EpochLength
	r.epoch, r.set, r.view = e.Epoch, e.Set, 0
	r.first, r.last = consensus.FirstSeq(e.Epoch, k), consensus.LastSeq(e.Epoch, k)
	r.schedule = consensus.NewSchedule(e.Set, e.Suspended, e.Epoch, r.params.PrimarySpan, r.first)
	r.stable = r.first - 1
	r.self = -1
	if i, ok := e.Set.Index(r.cfg.Self); ok {
		r.self = i
	}
	r.slots = make(map[consensus.Seq]*slot)
	r.building = false
	r.boundary, r.ending = nil, nil
	r.checkpoints = make([]*consensus.Vote, e.Set.Len())
	r.peers = make([]peer, e.Set.Len())
	r.nextStatus = r.ticks
}

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
		r.pool = in.Executable
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
	case v.Seq < r.first || v.Seq > r.last || v.Seq <= r.stable:
		return fmt.Errorf("%w: %d is not in %d … %d", ErrSeqRange, v.Seq, r.first, r.last)
	}
	if v.Kind == consensus.Checkpoint {
		return r.onCheckpoint(v)
	}
	switch {
	case v.View < r.view:
		return ErrOldView
	case v.View > r.view:
		return ErrFutureView
	case v.Seq <= r.committed.Seq:
		return ErrCommitted
	case v.Seq > r.committed.Seq+consensus.Seq(2*r.params.PipelineDepth):
		return ErrWindow
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
// something else is evidence. One piece per validator and epoch proves enough,
// and keeps an equivocator from filling logs.
func (r *Replica) put(place []*consensus.Vote, v *consensus.Vote) error {
	old := place[v.Sender]
	if old == nil {
		place[v.Sender] = v
		return nil
	}
	if old.SameStatement(v) {
		return nil
	}
	if p := &r.peers[v.Sender]; !p.accused {
		p.accused = true
		r.out.Evidence = append(r.out.Evidence, consensus.Evidence{Offender: v.Sender, First: old, Second: v})
	}
	return fmt.Errorf("%w: %s of validator %d at view %d seq %d", ErrEquivocate, v.Kind, v.Sender, v.View, v.Seq)
}

// progress does everything that the state allows now. Each step looks only at
// the state, so the order of inputs does not matter.
func (r *Replica) progress() {
	if r.halted != nil {
		return
	}
	r.resume()
	r.accept()
	r.commitVotes()
	r.finalise()
	r.endEpoch()
	r.propose()
}

// mayVote reports whether PREPARE and COMMIT may be sent now.
func (r *Replica) mayVote() bool { return r.mode == consensus.Normal && r.self >= 0 }

// windowEnd returns the last seq that may be accepted and executed now.
func (r *Replica) windowEnd() consensus.Seq {
	return min(r.committed.Seq+consensus.Seq(r.params.PipelineDepth), r.last)
}

func (r *Replica) halt(err error) {
	r.halted, r.mode = err, consensus.Halted
	r.out.Halt = err
}

// broadcast asks for a new own vote to be signed and sent.
func (r *Replica) broadcast(v *consensus.Vote, b *consensus.Batch) {
	v.Epoch, v.Sender = r.epoch, uint64(r.self)
	r.out.Messages = append(r.out.Messages, Outbound{To: Everyone, Vote: v, Batch: b})
}

// Position is where the replica stands, for those who filter messages.
type Position struct {
	Epoch     consensus.Epoch
	Set       *consensus.ValidatorSet
	Committed consensus.Seq
}

// Position returns the replica's epoch, its set and the committed seq.
func (r *Replica) Position() Position {
	return Position{Epoch: r.epoch, Set: r.set, Committed: r.committed.Seq}
}
