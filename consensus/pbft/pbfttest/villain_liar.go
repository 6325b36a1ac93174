package pbfttest

import (
	"math"
	"math/rand/v2"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// liar votes honestly and lies in every STATUS: where it stands, what it
// holds, in shapes that no honest replica sends.
type liar struct{ rng *rand.Rand }

func (l *liar) Send(n *Node, packets []Packet) []Packet {
	for i := range packets {
		if st := packets[i].Message.Status; st != nil {
			packets[i].Message.Status = l.lie(*st)
		}
	}
	return packets
}

func (l *liar) Tick(n *Node) []Packet {
	to := n.someone(l.rng)
	st := l.lie(consensus.Status{Epoch: n.replica.Standing().Epoch})
	return []Packet{{From: n.index, To: to, Message: pbft.Message{Status: st, From: n.address()}}}
}

func (l *liar) lie(st consensus.Status) *consensus.Status {
	rng := l.rng
	far := []uint64{0, 1, uint64(st.Committed) + 1, uint64(st.Committed) + 100, 1 << 40, math.MaxUint64 - 1, math.MaxUint64}
	pick := func() uint64 { return far[rng.IntN(len(far))] }
	if rng.IntN(2) == 0 {
		st.Committed = consensus.Seq(pick())
	}
	if rng.IntN(3) == 0 {
		st.Stable = consensus.Seq(pick())
	}
	if rng.IntN(4) == 0 {
		st.Epoch = consensus.Epoch(pick())
	}
	if rng.IntN(4) == 0 {
		st.View = consensus.View(pick())
	}
	if rng.IntN(4) == 0 {
		st.Mode = consensus.Mode(rng.IntN(256))
	}
	bits := make(consensus.Bitset, rng.IntN(40))
	for i := range bits {
		bits[i] = byte(rng.IntN(256))
	}
	st.Boundary, st.Window = bits, make([]consensus.SlotStatus, rng.IntN(consensus.MaxStatusWindow+1))
	for i := range st.Window {
		st.Window[i] = consensus.SlotStatus{Proposal: rng.IntN(2) == 0, Prepares: bits, Commits: bits}
	}
	return &st
}
