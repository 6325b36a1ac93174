package pbfttest

import (
	"slices"

	"github.com/quorate/quorate/consensus/pbft"
)

// This file is death in the middle of one Ready: between the journal's write
// and its fsync, and between fsync and network.

// The points at which a node can die.
const (
	crashNow         = "now"            // between two inputs
	crashUnsynced    = "before fsync"   // nothing of this Ready's records is durable
	crashTorn        = "torn tail"      // all but the last record is
	crashPersisted   = "after fsync"    // all are, and no message leaves
	crashHalfSent    = "half sent"      // some messages leave
	crashLedgerFirst = "ledger ahead"   // the ledger has made its tasks durable, the journal nothing
	crashPowerCut    = "everybody"      // all nodes at one moment
	crashAllMidReady = "everybody torn" // all nodes, each in its next Ready
)

var crashPoints = []string{crashNow, crashUnsynced, crashTorn, crashPersisted, crashHalfSent, crashLedgerFirst, crashPowerCut, crashAllMidReady}

// diesBeforeSending plays a death that comes before the network. The records
// that are durable then are checked like any others.
func (n *Node) diesBeforeSending(rd *pbft.Ready) bool {
	if n.crashAt == "" || len(rd.Persist) == 0 {
		return false
	}
	switch n.crashAt {
	case crashUnsynced:
	case crashTorn:
		_ = n.persist(rd.Persist[:len(rd.Persist)-1]) // a violation shows when the records are used
	case crashLedgerFirst:
		for len(n.ledger.tasks) > 0 {
			n.ledger.runTask()
		}
	case crashPersisted:
		_ = n.persist(rd.Persist)
	default:
		return false
	}
	n.die()
	return true
}

// diesSending lets some of the packets leave.
func (n *Node) diesSending(rd *pbft.Ready, packets []Packet) bool {
	votes := slices.ContainsFunc(rd.Messages, func(m pbft.Outbound) bool { return m.Vote != nil })
	if n.crashAt != crashHalfSent || !votes {
		return false
	}
	for i, p := range packets {
		if (i+n.index)%2 == 0 {
			n.cluster.post(p)
		}
	}
	n.die()
	return true
}

func (n *Node) die() {
	n.cluster.counts.note("crash: " + n.crashAt)
	n.crash()
}
