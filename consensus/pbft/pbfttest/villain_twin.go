package pbfttest

// twin is one of two honest replicas with one key and two journals: what a
// careless restore of a backup beside the running validator makes. Each is
// honest by itself; together they sign everything twice.
type twin struct{}

func (twin) Send(_ *Node, packets []Packet) []Packet { return packets }

func (twin) Tick(*Node) []Packet { return nil }
