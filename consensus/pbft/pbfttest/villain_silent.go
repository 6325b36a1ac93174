package pbfttest

// silent takes everything and says nothing for a while, then something again.
type silent struct{ mute bool }

func (*silent) Name() string { return "silent" }

func (s *silent) Send(n *Node, packets []Packet) []Packet {
	if n.cluster.chance(10) {
		s.mute = !s.mute
	}
	if s.mute {
		return nil
	}
	return packets
}

func (*silent) Tick(*Node) []Packet { return nil }
