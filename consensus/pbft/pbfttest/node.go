package pbfttest

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

type journalKey struct {
	kind pbft.RecordKind
	seq  consensus.Seq
	view consensus.View
}

// Node is one validator with what the engine would give it.
type Node struct {
	cluster *Cluster
	index   int           // its position in the cluster
	id      int           // the validator: the same as index but for a twin
	replica *pbft.Replica // nil while crashed

	journal map[journalKey]pbft.Record // durable
	voted   pbft.Voted                 // the file beside the key, durable
	cut     []pbft.Record              // cut since the last fsync: a power cut brings them back
	ledger  ledger

	pool     []common.Hash
	known    map[common.Hash]bool          // transactions whose bodies are here
	inflight map[common.Hash]consensus.Seq // of the batch that holds it
	missing  []*consensus.Batch            // candidates that lack bodies
	stale    bool                          // the pool has changed since the replica was told

	paused  bool
	owed    uint64 // ticks that passed while paused
	skewMs  int64  // its clock less the cluster's
	crashAt string // the point of the next Ready at which it dies; empty = none
	asked   int    // view changes that it began
	villain Villain
	// Corrupt makes execution come out wrong.
	Corrupt bool

	alarm alarm // of a simulation
}

// fullBatch makes pipelining likely with few transactions.
const fullBatch = 4

// start builds the replica from what is durable.
func (n *Node) start() error {
	n.inflight = map[common.Hash]consensus.Seq{}
	n.paused, n.owed, n.stale, n.missing = false, 0, true, nil
	head := n.ledger.head()
	start := n.ledger.epochOf(head.Seq + 1)
	if stable, ok := n.journal[journalKey{kind: pbft.RecordStable}]; head.Seq > 0 && start.First == head.Seq+1 && (!ok || stable.Stable.Seq < head.Seq) {
		start = n.ledger.epochOf(head.Seq)
	}
	r, err := pbft.New(pbft.Config{Self: n.address(), FullBatch: fullBatch},
		pbft.Start{Head: head, Epoch: start, NowMs: n.nowMs(), Voted: n.voted, Journal: n.records()})
	if err != nil {
		return fmt.Errorf("start of node %d: %w", n.index, err)
	}
	n.replica = r
	n.cluster.checks.born(n)
	if in := n.ledger.outcome(head.Seq); in.Boundary != nil {
		return n.step(in)
	}
	return n.drain()
}

func (n *Node) nowMs() uint64 { return uint64(int64(n.cluster.NowMs) + n.skewMs) }

func (n *Node) records() []pbft.Record {
	var out []pbft.Record
	for _, r := range n.journal {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b pbft.Record) int {
		return cmp.Or(cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.View, b.View))
	})
	return out
}

// crash forgets what is not durable.
func (n *Node) crash() {
	for _, r := range n.cut {
		n.journal[key(&r)] = r
	}
	n.replica, n.pool, n.cut, n.missing, n.crashAt = nil, nil, nil, nil, ""
	n.ledger.crash()
}

func key(r *pbft.Record) journalKey { return journalKey{r.Kind, r.Seq, r.View} }

// receive checks what the engine checks before the inbox: signatures, and that
// vote, header and hashes of a proposal belong together.
func (n *Node) receive(p *Packet) error {
	if n.replica == nil {
		return nil
	}
	n.accept(p)
	return n.drain()
}

// accept takes a packet without doing what follows.
func (n *Node) accept(p *Packet) {
	if kindOf(p) == kindBodies {
		n.admit(p.Bodies, p.Waited)
		return
	}
	for _, h := range p.Bodies {
		n.known[h] = true
	}
	if l, ok := n.villain.(listener); ok {
		l.Hear(n, p)
	}
	if err := n.cluster.verify(&p.Message); err != nil {
		n.cluster.counts.reject(err)
		return
	}
	m := p.Message
	if m.Status != nil && len(m.Status.Yours) > 0 {
		st := *m.Status
		st.Yours = slices.DeleteFunc(slices.Clone(st.Yours), func(v *consensus.Vote) bool {
			return !decodable(v) || fakeSignature(v, n.id) != v.Signature
		})
		m.Status = &st
	}
	n.take(m)
}

// step hands over one input and does all that follows.
func (n *Node) step(in pbft.Input) error {
	if n.replica == nil {
		return nil
	}
	n.take(in)
	return n.drain()
}

func (n *Node) take(in pbft.Input) {
	if err := n.replica.Step(in); err != nil {
		n.cluster.counts.reject(err)
	}
}

// drain does what the engine does with every Ready, until there is none, and,
// unless the cluster is lazy, all that the ledger has to do.
func (n *Node) drain() error {
	for n.replica != nil {
		if n.stale {
			n.stale = false
			n.take(n.waiting())
		}
		rd := n.replica.Ready()
		if rd.Empty() {
			if more, err := n.idle(); err != nil || !more {
				return err
			}
			continue
		}
		if err := n.handle(&rd); err != nil {
			return err
		}
	}
	return nil
}

// handle does one Ready: ledger, journal, network, the own votes.
func (n *Node) handle(rd *pbft.Ready) error {
	if err := n.cluster.checks.ready(n, rd); err != nil {
		return err
	}
	n.cluster.counts.ready(rd)
	for _, a := range rd.Asked {
		if !n.provoked(a) {
			n.asked++
		}
	}
	if n.cluster.rng == nil {
		n.log(rd)
	}
	n.ledger.give(rd)
	if n.diesBeforeSending(rd) {
		return nil
	}
	if err := n.persist(rd.Persist); err != nil {
		return err
	}
	inputs, packets := n.sign(rd.Messages)
	if n.diesSending(rd, packets) {
		return nil
	}
	for _, p := range packets {
		n.cluster.post(p)
	}
	n.tell(rd.Evidence)
	inputs = n.work(inputs, rd)
	for _, in := range inputs {
		n.take(in)
	}
	n.cluster.inputs = inputs[:0]
	return nil
}

// provoked reports whether somebody else is the reason for which this node
// leaves the view: who joins late follows what others have begun, and what a
// villain proposed, alone and to few, waits in vain (protocol.md §7: the
// ordering timer runs for a PRE-PREPARE of its primary, accepted or not).
func (n *Node) provoked(a pbft.Asked) bool {
	switch a.Why {
	case consensus.WhyJoin:
		return true
	case consensus.WhyOrdering, consensus.WhyCommit, consensus.WhyFault:
		return n.cluster.Nodes[idOf(a.Primary)].villain != nil
	}
	return false
}

// tell shows evidence to all, as the engine does.
func (n *Node) tell(evidence []consensus.Evidence) {
	for i := range evidence {
		for to := range n.cluster.Nodes {
			if to != n.index {
				n.cluster.post(Packet{From: n.index, To: to, Message: pbft.Message{Evidence: &evidence[i], From: n.address()}})
			}
		}
	}
}

// log writes down what a replica did, in the words of scripts.
func (n *Node) log(rd *pbft.Ready) {
	say := func(format string, args ...any) {
		n.cluster.log = append(n.cluster.log, fmt.Sprintf("%d ", n.index)+fmt.Sprintf(format+"\n", args...))
	}
	for _, a := range rd.Asked {
		say("asks for view %d: %s, n=%d", a.View, a.Why, a.Seq)
	}
	for i := range rd.Persist {
		if r := &rd.Persist[i]; r.Kind == pbft.RecordNewView {
			say("enters view %d, O=%s", r.Vote.View, describeO(r.Vote.NewView.O))
		}
	}
	if rd.Forward {
		say("shows all what waits longest")
	}
	if rd.Rollback != nil {
		say("rolls back above %d", *rd.Rollback)
	}
	if rd.Held != nil {
		say("is held back before epoch %d: %s", rd.Held.Hold, rd.Held.Why)
	}
	for _, e := range rd.Evidence {
		fault, _ := e.Fault()
		say("has evidence against %d: %s", e.Offender, fault)
	}
	for _, err := range rd.Refused {
		say("refuses: %s", rule(err))
	}
	if rd.Halt != nil {
		say("halts: %s", rule(rd.Halt))
	}
}

func (n *Node) persist(records []pbft.Record) error {
	for i := range records {
		if err := n.cluster.checks.persisted(n, &records[i]); err != nil {
			return err
		}
		n.journal[key(&records[i])] = records[i]
		n.cut = nil // one fsync makes the cut durable too
		n.alarm.syncing = true
	}
	return nil
}

// idle lets the ledger work if it may now, and checks the invariants.
func (n *Node) idle() (more bool, err error) {
	if err := n.cluster.checks.check(n.cluster, n); err != nil {
		return false, err
	}
	if n.cluster.Lazy || !n.ledger.busy() {
		return false, nil
	}
	n.stepInputs(n.ledger.step())
	return true, nil
}

func (n *Node) stepInputs(inputs []pbft.Input) {
	for _, in := range inputs {
		n.take(in)
	}
}

// sign signs new votes and returns the own ones as inputs, and everything that
// goes out. Both are in the cluster's room: they last until its next Ready.
func (n *Node) sign(messages []pbft.Outbound) (own []pbft.Input, packets []Packet) {
	own, packets = n.cluster.inputs[:0], n.cluster.packets[:0]
	for i := range messages {
		m := &messages[i]
		msg := pbft.Message{Vote: m.Vote, Batch: m.Batch, Certificate: m.Certificate, Checkpoint: m.Checkpoint, Status: m.Status, Fetch: m.Fetch, From: n.address()}
		if m.Vote != nil && m.Vote.Signature == (consensus.Signature{}) {
			v := *m.Vote
			v.Signature = fakeSignature(&v, n.id)
			msg.Vote = &v
			if !n.voted.Ever || v.Epoch > n.voted.Epoch {
				n.voted = pbft.Voted{Known: true, Ever: true, Epoch: v.Epoch}
			}
			n.cluster.checks.signed(n, &v)
			own = append(own, msg)
		}
		p := Packet{From: n.index, Message: msg}
		if m.Batch != nil {
			p.Bodies = m.Batch.Hashes
		}
		everyone := m.To == pbft.Everyone
		for to, other := range n.cluster.Nodes {
			if to != n.index && (everyone && n.reaches(other, m) || !everyone && m.To == other.address()) {
				p.To = to
				packets = append(packets, p)
			}
		}
	}
	n.cluster.packets = packets
	if n.villain != nil {
		packets = n.villain.Send(n, packets)
	}
	return own, packets
}

// work does checks and builds, and cuts the journal. It appends the results.
func (n *Node) work(in []pbft.Input, rd *pbft.Ready) []pbft.Input {
	for _, b := range rd.Check {
		in = n.judge(in, b)
	}
	for _, err := range rd.Refused {
		n.cluster.counts.reject(err)
	}
	if h := rd.Held; h != nil {
		n.cluster.counts.note("held back: " + h.Why.String())
		if !n.voted.Ever || n.voted.Epoch < h.Hold-1 {
			n.voted = pbft.Voted{Known: true, Ever: true, Epoch: h.Hold - 1}
		}
	}
	if rd.Rollback != nil {
		n.release(*rd.Rollback)
	}
	for _, o := range rd.Execute {
		for _, h := range o.Batch.Hashes {
			n.inflight[h] = o.Seq
		}
		n.stale = true
	}
	if rd.Stable != nil {
		for k, r := range n.journal {
			if k.seq > 0 && k.seq <= rd.Stable.Seq {
				n.cut = append(n.cut, r)
				delete(n.journal, k)
			}
		}
	}
	if rd.Forward {
		n.forward(true)
	}
	if rd.Build != nil {
		in = append(in, n.build(rd.Build))
	}
	return in
}

// build answers a BuildRequest from the pool.
func (n *Node) build(b *pbft.BuildRequest) pbft.Input {
	var hashes []common.Hash
	for _, h := range n.pool {
		if n.inflight[h] == 0 && len(hashes) < b.MaxTransactions {
			hashes = append(hashes, h)
		}
	}
	if c, ok := n.villain.(builder); ok {
		hashes = c.Build(n, hashes)
	}
	return pbft.BatchBuilt{View: b.View, Seq: b.Seq, Hashes: hashes}
}

// waiting says what the pool has that is in no batch in flight.
func (n *Node) waiting() pbft.Pool {
	var p pbft.Pool
	for _, h := range n.pool {
		if n.inflight[h] == 0 {
			if p.Executable++; p.Oldest == 0 {
				p.Oldest = binary.BigEndian.Uint64(h[:8]) | 1 // 0 would be none
			}
		}
	}
	return p
}

// release gives back what the batches above seq hold.
func (n *Node) release(seq consensus.Seq) {
	for h, at := range n.inflight {
		if at > seq {
			delete(n.inflight, h)
		}
	}
	n.stale = true
}

func (n *Node) refreshPool() error {
	n.stale = true
	return n.drain()
}
