package engine

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// ObserveLimits bound what a node remembers of the protocol for people, in
// memory only, and what it spends on that. The zero value means the defaults.
type ObserveLimits struct {
	// Blocks is how many blocks' phases and votes are remembered: at 30 blocks
	// a second five minutes, on a quiet network days, for about 2 MB.
	Blocks int
	// ViewChanges is how many view changes are remembered: hours of the worst
	// storm that the timers allow.
	ViewChanges int
	// LateBlocks is how far below the committed seq a vote still counts: who is
	// later than this is no use as a validator.
	LateBlocks int
	// LateQueue and LateRate bound the checking of votes after the quorum: how
	// many wait, and how many are checked in a second. 2,000 take a tenth of a
	// core; a network of 100 validators at 20 blocks a second has 1,300.
	LateQueue int
	LateRate  int
	// EventRate is how many messages a second are shown to subscribers. Above it
	// only those of every so many blocks are: people do not read faster.
	EventRate int
}

// DefaultObserveLimits returns the defaults.
func DefaultObserveLimits() ObserveLimits {
	return ObserveLimits{Blocks: 10_000, ViewChanges: 1000, LateBlocks: 256, LateQueue: 1024, LateRate: 2000, EventRate: 1000}
}

// validate checks that the blocks in flight do not overwrite each other.
func (l *ObserveLimits) validate(inFlight int) error {
	if l.Blocks <= inFlight+l.LateBlocks || min(l.ViewChanges, l.LateQueue, l.LateRate, l.EventRate) <= 0 {
		return fmt.Errorf("engine: limits of what is observed: %+v: each must be positive, and Blocks above LateBlocks and the %d blocks in flight", *l, inFlight)
	}
	return nil
}

// chronicle is what this node has seen of the protocol since it started. It
// decides nothing: without it the node does the same. All methods are safe for
// concurrent use and short.
type chronicle struct {
	limits ObserveLimits
	self   common.Address
	ahead  consensus.Seq // votes for more than this above the committed seq are not counted
	feed   feed
	late   chan lateVote

	mu        sync.Mutex
	committed consensus.Seq
	sets      [2]epochSet // of the present epoch and of the one before
	active    consensus.View
	opener    int // who opened active by NEW-VIEW; -1: not seen, or view 0
	blocks    []blockRecord
	changes   ring[consensus.ViewChangeSeen]
	counts    consensus.ProtocolCounts
	budget    lateBudget
}

// epochSet is who validates in an epoch.
type epochSet struct {
	epoch consensus.Epoch
	set   *consensus.ValidatorSet
}

// blockRecord is what is remembered of one sequence number. The bitsets share
// one array, which the next seq at this place takes over.
type blockRecord struct {
	consensus.BlockPhases
	prepares, commits, certificate consensus.Bitset
}

func newChronicle(l ObserveLimits, self common.Address, ahead consensus.Seq) *chronicle {
	c := &chronicle{
		limits: l, self: self, ahead: ahead, opener: -1,
		late: make(chan lateVote, l.LateQueue), blocks: make([]blockRecord, l.Blocks),
		changes: ring[consensus.ViewChangeSeen]{max: l.ViewChanges},
	}
	c.feed.rate = l.EventRate
	c.counts.Evidence, c.counts.Refused = map[string]uint64{}, map[string]uint64{}
	for _, p := range measured {
		c.counts.Phases = append(c.counts.Phases, consensus.PhaseTimes{From: p[0], To: p[1]})
	}
	return c
}

func micros() int64 { return time.Now().UnixMicro() }

// enter notes where the replica stands.
func (c *chronicle) enter(at pbft.Position) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.committed = max(c.committed, at.Committed)
	if now := c.sets[0]; now.set == nil || now.epoch != at.Rules.Epoch {
		c.sets = [2]epochSet{{at.Rules.Epoch, at.Rules.Set}, now}
		c.active, c.opener = 0, -1
	}
}

// restored notes the view that the journal has brought back.
func (c *chronicle) restored(active consensus.View) { c.active = active }

// setOf returns the set of an epoch, nil if it is another one than the present
// or the last.
func (c *chronicle) setOf(e consensus.Epoch) *consensus.ValidatorSet {
	for _, s := range c.sets {
		if s.set != nil && s.epoch == e {
			return s.set
		}
	}
	return nil
}

// ready takes what one Ready tells.
func (c *chronicle) ready(rd *pbft.Ready) {
	if len(rd.Persist)+len(rd.Prepared)+len(rd.Committed)+len(rd.Refused) == 0 {
		return
	}
	now := micros()
	c.mu.Lock()
	defer c.mu.Unlock()
	asked := rd.Asked
	for i := range rd.Persist {
		switch r := &rd.Persist[i]; r.Kind {
		case pbft.RecordProposal:
			c.accepted(r, now)
		case pbft.RecordViewChange:
			if len(asked) > 0 {
				c.asked(r.Vote.Epoch, asked[0], now)
				asked = asked[1:]
			}
		case pbft.RecordNewView:
			c.entered(r.Vote, now)
		}
	}
	for _, n := range rd.Prepared {
		c.phase(n, consensus.PhasePrepared, now)
	}
	for i := range rd.Committed {
		c.finalised(&rd.Committed[i], now)
	}
	for _, err := range rd.Refused {
		c.counts.Refused[pbft.Rule(err)]++
	}
}

// block returns the record of seq, begun if need be; nil if a later block has
// its place.
func (c *chronicle) block(seq consensus.Seq) *blockRecord {
	r := &c.blocks[uint64(seq)%uint64(len(c.blocks))]
	switch {
	case r.Seq == seq:
		return r
	case r.Seq > seq:
		return nil
	}
	n := 0
	if s := c.sets[0].set; s != nil {
		n = len(consensus.NewBitset(s.Len()))
	}
	bits := r.prepares[:0]
	if cap(bits) < 3*n {
		bits = make([]byte, 3*n)
	}
	bits = bits[:3*n]
	clear(bits)
	*r = blockRecord{
		BlockPhases: consensus.BlockPhases{Seq: seq, Epoch: c.sets[0].epoch, Primary: -1},
		prepares:    bits[:n:cap(bits)], commits: bits[n : 2*n], certificate: bits[2*n:],
	}
	return r
}

// accepted begins a block anew in the view of its proposal.
func (c *chronicle) accepted(r *pbft.Record, now int64) {
	b := c.block(r.Seq)
	if b == nil || b.Times[consensus.PhaseCommitted] != 0 {
		return
	}
	h := &r.Batch.Header
	b.View, b.OriginView, b.Proposer, b.Own = r.View, h.OriginView, h.Proposer, h.Proposer == c.self
	b.Times[consensus.PhaseAccepted], b.Times[consensus.PhasePrepared], b.Times[consensus.PhaseCommitSent] = now, 0, 0
}

// phase notes a time, the last one until the block is committed, and then only
// the first: a certificate can be faster than the executor.
func (c *chronicle) phase(seq consensus.Seq, p consensus.Phase, now int64) {
	if b := c.block(seq); b != nil && (b.Times[p] == 0 || b.Times[consensus.PhaseCommitted] == 0) {
		b.Times[p] = now
	}
}

// finalised notes the certificate.
func (c *chronicle) finalised(done *pbft.Committed, now int64) {
	cert, h := done.Certificate, &done.Batch.Header
	c.committed = max(c.committed, cert.Seq)
	b := c.block(cert.Seq)
	if b == nil {
		return
	}
	b.Epoch, b.View, b.OriginView, b.Proposer, b.Own = cert.Epoch, cert.View, h.OriginView, h.Proposer, h.Proposer == c.self
	b.Times[consensus.PhaseCommitted] = now
	copy(b.certificate, cert.Signers)
	set := c.setOf(cert.Epoch)
	switch {
	case cert.View == h.OriginView && set != nil: // only its primary proposes in a view
		if i, ok := set.Index(h.Proposer); ok {
			b.Primary = i
		}
	case cert.View == c.active: // proposed again by the NEW-VIEW
		b.Primary = c.opener
	}
}

// executed and durable come from the ledger loop.
func (c *chronicle) executed(seq consensus.Seq) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.phase(seq, consensus.PhaseExecuted, micros())
}

func (c *chronicle) durable(seq consensus.Seq) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.phase(seq, consensus.PhaseDurable, micros())
	if b := c.block(seq); b != nil {
		measure(c.counts.Phases, &b.BlockPhases)
	}
}

// vote counts a verified vote.
func (c *chronicle) vote(v *consensus.Vote) {
	if v.Kind > consensus.Commit {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if v.Seq <= c.committed+c.ahead {
		if place := c.place(v); place != nil {
			place.Set(int(v.Sender))
		}
	}
}

// place returns the bitset in which a vote counts, nil if it counts nowhere.
func (c *chronicle) place(v *consensus.Vote) consensus.Bitset {
	set := c.setOf(v.Epoch)
	if set == nil || v.Sender >= uint64(set.Len()) {
		return nil
	}
	b := c.block(v.Seq)
	if b == nil || b.Epoch != v.Epoch || int(v.Sender)/8 >= len(b.prepares) {
		return nil
	}
	if v.Kind == consensus.Commit {
		return b.commits
	}
	return b.prepares
}

// asked notes that this node asks for a view.
func (c *chronicle) asked(e consensus.Epoch, a pbft.Asked, now int64) {
	c.counts.ViewChanges[a.Why]++
	c.addChange(consensus.ViewChangeSeen{Asked: now, Epoch: e, From: c.active, To: a.View, Why: a.Why, Stuck: a.Seq})
}

func (c *chronicle) addChange(x consensus.ViewChangeSeen) {
	x.Index = c.changes.added
	c.changes.add(x)
}

// entered notes a NEW-VIEW, with the request that led to it if there was one.
func (c *chronicle) entered(v *consensus.Vote, now int64) {
	last := c.changes.last()
	if last == nil || last.Epoch != v.Epoch || last.To != v.View || last.Entered != 0 {
		c.counts.ViewChanges[consensus.WhyFollow]++
		c.addChange(consensus.ViewChangeSeen{Asked: now, Epoch: v.Epoch, From: c.active, To: v.View, Why: consensus.WhyFollow})
		last = c.changes.last()
	}
	last.Entered, last.Reproposed = now, len(v.NewView.O)
	c.active, c.opener = v.View, int(v.Sender)
}

// proved counts new evidence, whoever found it.
func (c *chronicle) proved(fault string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts.Evidence[fault]++
}

// refused counts a message by the rule that it breaks.
func (c *chronicle) refused(err error) {
	rule := pbft.Rule(err)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts.Refused[rule]++
}

// ring keeps the newest of what was added.
type ring[T any] struct {
	max   int
	added uint64 // ever
	items []T    // item i of all is at i % max
}

func (r *ring[T]) add(x T) {
	if len(r.items) < r.max {
		r.items = append(r.items, x)
	} else {
		r.items[r.added%uint64(r.max)] = x
	}
	r.added++
}

func (r *ring[T]) last() *T {
	if r.added == 0 {
		return nil
	}
	return &r.items[(r.added-1)%uint64(r.max)]
}

// all returns a copy, oldest first.
func (r *ring[T]) all() []T {
	if len(r.items) < r.max {
		return slices.Clone(r.items)
	}
	at := r.added % uint64(r.max)
	return slices.Concat(r.items[at:], r.items[:at])
}
