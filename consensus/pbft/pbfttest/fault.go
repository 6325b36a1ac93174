package pbfttest

import (
	"slices"

	"github.com/quorate/quorate/consensus/pbft"
)

// The classes of faults.
const (
	faultCrash        = "crash"
	faultWipe         = "lost journal"  // the node dies, and its journal with it; the file beside the key stays
	faultPause        = "pause"         // a stopped process: messages wait, time passes
	faultCut          = "cut"           // nothing leaves the nodes named; all reaches them
	faultPartition    = "partition"     // the nodes named and the others do not hear each other
	faultPrimary      = "primary cut"   // the present primary's messages are lost
	faultLose         = "lose"          // X percent of all messages
	faultMute         = "mute"          // all messages of one kind
	faultSlowNetwork  = "slow network"  // X times the delay
	faultSlowExecutor = "slow executor" // X times the time
	faultSlowDisk     = "slow disk"     // X times the time of an fsync
	faultClock        = "clock"         // the wall clock is X ms off
)

var faultClasses = []string{faultCrash, faultWipe, faultPause, faultCut, faultPartition, faultPrimary, faultLose, faultMute, faultSlowNetwork, faultSlowExecutor, faultSlowDisk, faultClock}

// weather is what the faults in force add up to. It is computed anew whenever
// one begins or ends, so that they may overlap as they like.
type weather struct {
	lose     int // percent
	mute     [kinds]bool
	slow     uint64 // factor of delays
	execute  []uint64
	disk     []uint64
	silenced []bool  // nothing leaves
	side     [][]int // partitions: who is on the named side
}

// forecast computes the weather from the faults in force.
func (s *simulation) forecast() {
	n := len(s.c.Nodes)
	w := weather{slow: 1, execute: make([]uint64, n), disk: make([]uint64, n), silenced: make([]bool, n)}
	for i := range n {
		w.execute[i], w.disk[i] = 1, 1
		s.c.Nodes[i].skewMs = s.skew(i)
	}
	for i, on := range s.inForce {
		if !on {
			continue
		}
		f := &s.plan.Faults[i]
		switch f.Class {
		case faultLose:
			w.lose = max(w.lose, f.X)
		case faultMute:
			w.mute[f.X%int(kinds)] = true
		case faultSlowNetwork:
			w.slow = max(w.slow, uint64(f.X))
		case faultPartition:
			w.side = append(w.side, f.Nodes)
		case faultPrimary:
			w.silenced[s.primary()] = true
		}
		for _, i := range f.Nodes {
			switch f.Class {
			case faultCut:
				w.silenced[i] = true
			case faultSlowExecutor:
				w.execute[i] = max(w.execute[i], uint64(f.X))
			case faultSlowDisk:
				w.disk[i] = max(w.disk[i], uint64(f.X))
			case faultClock:
				s.c.Nodes[i].skewMs += int64(f.X)
			}
		}
	}
	s.weather = w
	s.cutLinks()
}

// cutLinks tells the cluster which links the weather cuts.
func (s *simulation) cutLinks() {
	clear(s.c.Cut)
	for from := range s.c.Nodes {
		for to := range s.c.Nodes {
			apart := slices.ContainsFunc(s.weather.side, func(side []int) bool {
				return slices.Contains(side, from) != slices.Contains(side, to)
			})
			if from != to && (apart || s.weather.silenced[from]) {
				s.c.Cut[[2]int{from, to}] = true
			}
		}
	}
}

// skew is the lasting error of a node's clock.
func (s *simulation) skew(i int) int64 {
	if id := s.c.Nodes[i].id; id < len(s.plan.SkewMs) {
		return s.plan.SkewMs[id]
	}
	return 0
}

// primary is who the first living node takes for the primary of its next seq.
func (s *simulation) primary() int {
	for _, n := range s.c.Nodes {
		if n.replica != nil {
			return idOf(n.replica.Report().Primary)
		}
	}
	return 0
}

// begin starts a fault.
func (s *simulation) begin(i int) error {
	f := &s.plan.Faults[i]
	s.inForce[i] = true
	s.c.counts.note("fault: " + f.Class)
	switch f.Class {
	case faultCrash:
		s.kill(f)
	case faultWipe:
		for _, i := range f.Nodes {
			n := s.c.Nodes[i]
			n.crash()
			n.journal = map[journalKey]pbft.Record{}
		}
	case faultPause:
		for _, i := range f.Nodes {
			s.c.Nodes[i].paused = true
		}
	}
	s.forecast()
	return nil
}

// kill crashes nodes, now or in their next Ready.
func (s *simulation) kill(f *Fault) {
	nodes := f.Nodes
	if f.How == crashPowerCut || f.How == crashAllMidReady {
		s.c.counts.note("crash: " + f.How)
		nodes = nil
		for i := range s.c.Nodes {
			nodes = append(nodes, i)
		}
	}
	for _, i := range nodes {
		n := s.c.Nodes[i]
		if n.replica == nil {
			continue
		}
		switch f.How {
		case crashNow:
			n.crashAt = f.How
			n.die()
		case crashPowerCut:
			n.crash()
		case crashAllMidReady:
			n.crashAt = crashTorn
		default:
			n.crashAt = f.How
		}
	}
}

// finish ends a fault.
func (s *simulation) finish(i int) error {
	f := &s.plan.Faults[i]
	if !s.inForce[i] {
		return nil
	}
	s.inForce[i] = false
	s.forecast()
	switch f.Class {
	case faultCrash, faultWipe:
		for _, n := range s.c.Nodes {
			if n.crashAt = ""; n.replica == nil {
				if err := s.restart(n); err != nil {
					return err
				}
			}
		}
	case faultPause:
		for _, i := range f.Nodes {
			s.c.Nodes[i].paused = false
			if err := s.takeInbox(s.c.Nodes[i]); err != nil {
				return err
			}
		}
	case faultCut, faultPartition, faultPrimary:
		return s.reconnect()
	}
	return nil
}

// endAll ends every fault that is in force.
func (s *simulation) endAll() error {
	for i := range s.inForce {
		if err := s.finish(i); err != nil {
			return err
		}
	}
	for _, n := range s.c.Nodes {
		if n.paused = false; n.replica == nil {
			if err := s.restart(n); err != nil {
				return err
			}
		}
	}
	return nil
}
