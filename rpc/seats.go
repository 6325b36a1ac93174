package rpc

import (
	"sync"
)

// Seats counts subscriptions, together and per connection, over all namespaces
// that share it. Safe for concurrent use.
type Seats struct {
	total, each int

	mu    sync.Mutex
	taken int
	by    map[string]int // by remote address
}

// NewSeats returns as many as the limits say.
func NewSeats(l Limits) *Seats {
	total, each := l.Subscriptions, l.PerConnection
	return &Seats{total: total, each: each, by: make(map[string]int)}
}

// Take returns how to give the seat back, or why there is none.
func (s *Seats) Take(remote string) (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by[remote] >= s.each {
		return nil, LimitExceeded("too many subscriptions: a connection may have %d", s.each)
	}
	if s.taken >= s.total {
		return nil, LimitExceeded("too many subscriptions: this node serves %d at once", s.total)
	}
	s.taken++
	s.by[remote]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.taken--
		if s.by[remote]--; s.by[remote] == 0 {
			delete(s.by, remote)
		}
	}, nil
}
