package pbfttest

import (
	"slices"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// poolRoom bounds a pool. It is small: a pool is looked through at every build.
const poolRoom = 96

// forwarded is how many waiting transactions one Forward shows.
const forwarded = 8

// admit takes transactions into the pool, oldest first: up to its room, and
// above it those that others say have waited long.
func (n *Node) admit(txs []common.Hash, waited bool) {
	for _, h := range txs {
		n.known[h] = true
		if (waited || len(n.pool) < poolRoom) && n.ledger.final[h] == 0 && !slices.Contains(n.pool, h) {
			n.pool = append(n.pool, h)
			n.stale = true
		}
	}
}

// forget drops what became final at seq. What other batches at or below seq
// hold is free again: they lost their places.
func (n *Node) forget(txs []common.Hash, seq consensus.Seq) {
	for _, h := range txs {
		if i := slices.Index(n.pool, h); i >= 0 {
			n.pool = slices.Delete(n.pool, i, i+1)
		}
	}
	for h, at := range n.inflight {
		if at <= seq {
			delete(n.inflight, h)
		}
	}
	n.stale = true
}

// forward sends the transactions that wait longest to everybody.
func (n *Node) forward(waited bool) {
	var oldest []common.Hash
	for _, h := range n.pool {
		if n.inflight[h] == 0 && len(oldest) < forwarded {
			oldest = append(oldest, h)
		}
	}
	for to := range n.cluster.Nodes {
		if to != n.index {
			n.cluster.post(Packet{From: n.index, To: to, Message: pbft.Message{From: n.address()}, Bodies: oldest, Waited: waited})
		}
	}
}

// judge answers a Check: a transaction that nobody signed makes the batch
// invalid, one whose body is not here makes it wait.
func (n *Node) judge(in []pbft.Input, b *consensus.Batch) []pbft.Input {
	for _, h := range b.Hashes {
		if !n.cluster.submitted[h] {
			return append(in, pbft.BatchChecked{Digest: n.cluster.digest(b), Err: errInvented})
		}
	}
	if !n.holds(b) {
		n.missing = append(n.missing, b)
		return in
	}
	return append(in, pbft.BatchChecked{Digest: n.cluster.digest(b)})
}

func (n *Node) holds(b *consensus.Batch) bool {
	for _, h := range b.Hashes {
		if !n.known[h] {
			return false
		}
	}
	return true
}

// fetchBodies asks one other for what the candidates lack.
func (n *Node) fetchBodies(from int) {
	other := n.cluster.Nodes[from]
	if n.replica == nil || from == n.index || !n.cluster.reachable(n.index, from) {
		return
	}
	if s, ok := other.villain.(miser); ok && s.KeepsBodies() {
		return
	}
	batches := n.missing
	n.missing = nil
	for _, b := range batches {
		for _, h := range b.Hashes {
			if !n.known[h] && other.known[h] {
				n.known[h] = true
				n.cluster.counts.note("bodies fetched")
			}
		}
		if !n.holds(b) {
			n.missing = append(n.missing, b)
			continue
		}
		n.take(pbft.BatchChecked{Digest: n.cluster.digest(b)})
	}
}
