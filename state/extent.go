package state

// Extent says which old states can be read, and where proofs can be made.
type Extent struct {
	Head        uint64 // the newest block
	OldestState uint64 // the oldest block whose balances, code and slots can be read
	OldestProof uint64 // the oldest block where proofs can be made
	History     uint64 // blocks below the head that are kept, 0 = all
	Proofs      bool   // trie nodes are kept for blocks to come
}

// Extent returns what is kept at the moment; commits move it on. It is zero
// before block 0.
func (s *State) Extent() Extent {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.born {
		return Extent{}
	}
	p := past{history: s.past, head: s.head.Number, trail: s.trail}
	p.oldest = s.past.limit(s.head.Number, s.keep)
	return Extent{
		Head: s.head.Number, OldestState: p.oldest, OldestProof: p.oldestProof(),
		History: s.keep, Proofs: s.proofs,
	}
}
