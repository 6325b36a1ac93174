package pbfttest

import (
	"fmt"
	"math/rand/v2"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// simulation plays a plan in virtual time, in one goroutine. Everything that
// happens is an event with a moment: messages arrive after their delay, ledgers
// finish tasks, replicas are woken when they asked for it.
type simulation struct {
	plan    *Plan
	c       *Cluster
	rng     *rand.Rand // of messages and loads
	now     uint64     // µs
	events  queue
	free    []*Packet  // places of packets whose events are forgotten
	delays  [][]uint64 // µs, by link
	inForce []bool     // by fault
	weather weather
	calm    bool   // healed: no message is lost, delays are bounded
	loaded  bool   // transactions keep coming
	txs     uint64 // submitted so far
	trace   mixer
	tail    tail
}

// alarm is what a simulation knows of one node's time.
type alarm struct {
	wakeAt   uint64 // µs of the planned wake
	ledger   bool   // a task of the ledger is under way
	bodies   bool   // a fetch of bodies is planned
	ticked   uint64 // µs up to which the replica was told of time
	syncEnd  uint64 // µs at which the fsync ends
	syncing  bool   // records were written in this round
	villain  uint64 // µs at which the villain last acted by itself
	gossip   uint64 // µs at which the pool was last shown to all
	followed uint64 // µs at which it last asked for blocks from outside
	inbox    []Packet
}

// inboxRoom bounds what waits for a node: more is dropped, as the engine does.
const inboxRoom = 2000

// eventLimit bounds a simulation: ten times what the longest of ten thousand
// seeds needed.
const eventLimit = 1_000_000

// gossipTimeouts is how many base timeouts pass before a pool shows the others
// again what waits in it.
const gossipTimeouts = 10

func newSimulation(p *Plan) (*simulation, error) {
	rng := rand.New(rand.NewPCG(p.Seed, 0x5851f42d4c957f2d))
	var twins []int
	for _, v := range p.Villains {
		if v.Kind == villainTwin {
			twins = append(twins, v.Node)
		}
	}
	c, err := newCluster(p.N, p.params(), twins)
	if err != nil {
		return nil, err
	}
	s := &simulation{plan: p, c: c, rng: rng, loaded: true, trace: 1, inForce: make([]bool, len(p.Faults))}
	c.rng, c.Lazy, c.post = rng, true, s.post
	c.changes, c.deaf, c.unsound = p.Changes, p.Deaf > 0, map[int]bool{}
	for _, f := range p.Faults {
		if f.Class == faultWipe {
			c.unsound[f.Nodes[0]] = true
		}
	}
	for _, v := range p.Villains {
		c.unsound[v.Node] = true
		c.counts.note("villain: " + v.Kind)
		c.Nodes[v.Node].villain = newVillain(v.Kind, rand.New(rand.NewPCG(p.Seed, uint64(v.Node))))
	}
	for range c.Nodes {
		var row []uint64
		for range c.Nodes {
			row = append(row, between(rng, p.DelayLow, p.DelayHigh))
		}
		s.delays = append(s.delays, row)
	}
	s.forecast()
	for i, f := range p.Faults {
		s.events.push(event{at: f.At * 1000, kind: evBegin, node: i})
		s.events.push(event{at: (f.At + f.For) * 1000, kind: evEnd, node: i})
	}
	s.events.push(event{at: s.pause(p.Load), kind: evSubmit})
	for _, n := range c.Nodes {
		if err := s.restart(n); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// pause draws a time around mean.
func (s *simulation) pause(mean uint64) uint64 {
	return uint64(s.rng.ExpFloat64()*float64(mean)) + 1
}

// post gives a packet its fate: when it arrives, once, twice or never.
func (s *simulation) post(p Packet) {
	w := &s.weather
	sender := &s.c.Nodes[p.From].alarm
	k := kindOf(&p)
	if !s.calm && (s.rng.IntN(1000) < s.plan.Loss || w.lose > 0 && s.rng.IntN(100) < w.lose || w.mute[k]) || s.c.Cut[[2]int{p.From, p.To}] {
		s.c.counts.note("messages lost")
		return
	}
	times := 1
	if s.rng.IntN(1000) < s.plan.Double {
		s.c.counts.note("messages doubled")
		times = 2
	}
	for range times {
		at := s.now + s.delays[p.From][p.To]*w.slow + s.pause(s.plan.Jitter*w.slow+1) + p.LateUs
		if sender.syncing {
			at += s.fsync(p.From)
		}
		s.events.push(event{at: at, kind: evPacket, node: p.To, packet: s.carry(&p)})
	}
}

// carry copies a packet to where it stays until its event is forgotten. Places
// that became free are taken again: packets were most of a run's garbage.
func (s *simulation) carry(p *Packet) *Packet {
	last := len(s.free) - 1
	if last < 0 {
		s.free, last = append(s.free, new(Packet)), 0
	}
	place := s.free[last]
	s.free = s.free[:last]
	*place = *p
	return place
}

func (s *simulation) fsync(i int) uint64 { return s.plan.Fsync * s.weather.disk[i] }

// until plays events up to a moment, or until done says so.
func (s *simulation) until(end uint64, done func() bool) (bool, error) {
	for {
		if done != nil && done() {
			return true, nil
		}
		if len(s.events.heap) == 0 || s.events.heap[0].at > end {
			s.now = end
			return false, nil
		}
		e, _ := s.events.pop()
		if e.at > s.now {
			s.now = e.at
		}
		s.c.NowMs = startMs + s.now/1000
		s.note(&e)
		if s.tail.count > eventLimit {
			return false, fmt.Errorf("L1: %w: %d events", errEndless, s.tail.count)
		}
		if err := s.happen(&e); err != nil {
			return false, err
		}
	}
}

func (s *simulation) happen(e *event) error {
	switch e.kind {
	case evPacket:
		return s.arrive(e.packet)
	case evSubmit:
		return s.submit()
	case evBegin:
		if s.calm {
			return nil
		}
		return s.begin(e.node)
	case evEnd:
		return s.finish(e.node)
	}
	n := s.c.Nodes[e.node]
	switch e.kind {
	case evWake:
		if n.alarm.wakeAt != e.at {
			return nil // another one was planned since
		}
		n.alarm.wakeAt = 0
	case evLedger:
		n.alarm.ledger = false
		if n.replica != nil && !n.paused && n.ledger.busy() {
			n.stepInputs(n.ledger.step())
		}
	case evInbox:
		return s.takeInbox(n)
	case evBodies:
		n.alarm.bodies = false
		n.fetchBodies(s.rng.IntN(len(s.c.Nodes)))
	}
	return s.round(n)
}

// arrive hands over a packet, or keeps it while the node cannot take it.
func (s *simulation) arrive(p *Packet) error {
	n := s.c.Nodes[p.To]
	if n.replica == nil || s.c.Cut[[2]int{p.From, p.To}] {
		return nil
	}
	if n.paused || n.alarm.syncEnd > s.now {
		if len(n.alarm.inbox) < inboxRoom {
			n.alarm.inbox = append(n.alarm.inbox, *p)
		}
		return nil
	}
	s.c.counts.delivered[kindOf(p)]++
	s.tick(n)
	n.accept(p)
	return s.round(n)
}

// takeInbox takes everything that waited, in one round: one fsync for all.
func (s *simulation) takeInbox(n *Node) error {
	if n.replica == nil || n.paused || n.alarm.syncEnd > s.now {
		return nil
	}
	inbox := n.alarm.inbox
	n.alarm.inbox = inbox[:0] // nothing arrives in this round
	s.tick(n)
	for i := range inbox {
		s.c.counts.delivered[kindOf(&inbox[i])]++
		n.accept(&inbox[i])
	}
	return s.round(n)
}

// tick tells a replica how many whole ticks have passed.
func (s *simulation) tick(n *Node) {
	const tickUs = consensus.TickMs * 1000
	if k := (s.now - n.alarm.ticked) / tickUs; k > 0 {
		n.alarm.ticked += k * tickUs
		n.take(pbft.Tick{Ticks: k, NowMs: n.nowMs()})
	}
}

// round does all that follows from what a node was given, and plans its next
// events.
func (s *simulation) round(n *Node) error {
	if n.replica == nil || n.paused {
		return nil
	}
	s.tick(n)
	a := &n.alarm
	a.syncing = false
	if err := n.drain(); err != nil {
		return err
	}
	if n.villain != nil && n.replica != nil {
		if err := s.misbehave(n); err != nil {
			return err
		}
	}
	if n.replica != nil && len(n.pool) > 0 && s.now > a.gossip+gossipTimeouts*s.plan.T0*1000 {
		a.gossip = s.now
		n.forward(false)
	}
	if n.replica != nil {
		s.follow(n)
	}
	if a.syncing {
		a.syncing = false
		if wait := s.fsync(n.index); wait > 0 {
			a.syncEnd = s.now + wait
			s.events.push(event{at: a.syncEnd, kind: evInbox, node: n.index})
		}
	}
	if n.replica != nil {
		s.planNext(n)
	}
	return nil
}

// follow lets a node that is not of the set ask the others for blocks, as an
// observer does. When it is asked to vote it must be there.
func (s *simulation) follow(n *Node) {
	if s.c.changes == 0 || s.now < n.alarm.followed+s.plan.T0*500 || !n.outside() || n.ledger.sync != nil {
		return
	}
	n.alarm.followed = s.now
	t := pbft.Target{Seq: consensus.Seq(len(n.ledger.chain))}
	for _, o := range s.c.Nodes {
		if len(o.ledger.chain) > len(n.ledger.chain) {
			t.Seq = max(t.Seq, consensus.Seq(len(o.ledger.chain)))
			t.From = append(t.From, o.address())
		}
	}
	if len(t.From) > 0 {
		s.c.counts.note("outsiders follow")
		n.ledger.sync = &t
	}
}

// misbehave lets a villain act by itself, four times in a base timeout.
func (s *simulation) misbehave(n *Node) error {
	if len(s.c.Nodes) < 2 || s.now < n.alarm.villain+s.plan.T0*250 {
		return nil
	}
	n.alarm.villain = s.now
	for _, p := range n.villain.Tick(n) {
		s.post(p)
	}
	return nil
}

// bodyGrace is the pause between two requests for bodies, in microseconds, as in
// the engine. What a withholder has proposed in a view that is over nobody can
// serve, and on an idle chain it is asked for until the next block.
const bodyGrace = 20_000

// planNext plans when a node does something by itself.
func (s *simulation) planNext(n *Node) {
	a := &n.alarm
	wake := a.ticked + n.replica.NextTick()*consensus.TickMs*1000
	if wake <= s.now {
		wake = s.now + consensus.TickMs*1000
	}
	if a.wakeAt <= s.now || wake < a.wakeAt {
		a.wakeAt = wake
		s.events.push(event{at: wake, kind: evWake, node: n.index})
	}
	if !a.ledger && n.ledger.busy() {
		a.ledger = true
		s.events.push(event{at: s.now + s.pause(s.plan.Execute*s.weather.execute[n.index]), kind: evLedger, node: n.index})
	}
	if !a.bodies && len(n.missing) > 0 {
		a.bodies = true
		s.events.push(event{at: s.now + max(2*s.plan.DelayHigh, bodyGrace), kind: evBodies, node: n.index})
	}
}

// restart starts a node and introduces it.
func (s *simulation) restart(n *Node) error {
	n.alarm = alarm{ticked: s.now}
	s.c.NowMs = startMs + s.now/1000
	if err := s.c.Restart(n.index); err != nil {
		return err
	}
	return s.settleAll()
}

// reconnect introduces everybody to everybody: links are up again.
func (s *simulation) reconnect() error {
	for i, n := range s.c.Nodes {
		for j, o := range s.c.Nodes {
			if i != j && n.replica != nil && o.replica != nil && !s.c.Cut[[2]int{i, j}] {
				n.replica.Greet(o.address())
			}
		}
	}
	return s.settleAll()
}

// settleAll gives every node a round.
func (s *simulation) settleAll() error {
	for _, n := range s.c.Nodes {
		if err := s.round(n); err != nil {
			return err
		}
	}
	return nil
}

// submit brings transactions to one node, which gossips them, and plans the
// next ones.
func (s *simulation) submit() error {
	if !s.loaded {
		return nil
	}
	s.events.push(event{at: s.now + s.pause(s.plan.Load), kind: evSubmit})
	count := 1
	if s.rng.IntN(3) == 0 {
		count = 1 + s.rng.IntN(s.plan.Burst)
	}
	var txs []common.Hash
	for range count {
		txs = append(txs, s.tx())
	}
	at := s.rng.IntN(len(s.c.Nodes))
	for to := range s.c.Nodes {
		if to != at {
			s.post(Packet{From: at, To: to, Message: pbft.Message{From: s.c.Nodes[at].address()}, Bodies: txs})
		}
	}
	if n := s.c.Nodes[at]; n.replica != nil {
		n.admit(txs, false)
		return s.round(n)
	}
	return nil
}

// tx makes a transaction that somebody signed.
func (s *simulation) tx() common.Hash {
	s.txs++
	m := mixer(0x7c)
	var h common.Hash
	for i := range 4 {
		x := uint64(*m.add(s.txs + uint64(i)<<32))
		for b := range 8 {
			h[8*i+b] = byte(x >> (8 * b))
		}
	}
	s.c.submitted[h] = true
	return h
}

// state is every node in one line.
func (s *simulation) state() string {
	out := ""
	for i, n := range s.c.Nodes {
		line := "crashed"
		if n.replica != nil {
			line = n.replica.String()
		}
		if n.villain != nil {
			line += " (villain)"
		}
		out += fmt.Sprintf("  node %d: %s\n", i, line)
	}
	return out
}
