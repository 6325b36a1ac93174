package pbfttest

import "github.com/quorate/quorate/consensus"

// slowPrimary does everything right, and its proposals and NEW-VIEWs leave
// just before the others' patience ends.
type slowPrimary struct{}

func (*slowPrimary) Send(n *Node, packets []Packet) []Packet {
	for i := range packets {
		if v := packets[i].Message.Vote; n.own(&packets[i]) && (v.Kind == consensus.PrePrepare || v.Kind == consensus.NewView) {
			packets[i].LateUs = n.cluster.Params.BaseTimeoutMs * 850
		}
	}
	return packets
}

func (*slowPrimary) Tick(*Node) []Packet { return nil }
