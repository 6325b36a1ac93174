package pbfttest

// wrongExecutor is an honest replica on an executor that comes to other
// results: another build, a flipped bit, hidden randomness. It must stop by
// itself, with a diagnosis, and the others must go on.
type wrongExecutor struct{}

func (wrongExecutor) Send(n *Node, packets []Packet) []Packet {
	n.Corrupt = true
	return packets
}

func (wrongExecutor) Tick(*Node) []Packet { return nil }
