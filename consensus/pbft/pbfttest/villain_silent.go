package pbfttest

import "math/rand/v2"

// silent takes everything and says nothing for a while, then something again.
// One that is dead from the beginning is the commonest fault of all.
type silent struct {
	rng  *rand.Rand
	mute bool
	dead bool
	cast bool
}

func (s *silent) Send(_ *Node, packets []Packet) []Packet {
	if !s.cast {
		s.cast, s.dead = true, s.rng.IntN(2) == 0
	}
	if s.rng.IntN(50) == 0 {
		s.mute = !s.mute
	}
	if s.mute || s.dead {
		return nil
	}
	return packets
}

func (*silent) Tick(*Node) []Packet { return nil }
