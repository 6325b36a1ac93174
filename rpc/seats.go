package eth

import (
	"sync"

	"github.com/quorate/quorate/rpc"
)

// seats counts subscriptions, together and per connection. Safe for concurrent
// use.
type seats struct {
	total, each int

	mu    sync.Mutex
	taken int
	by    map[string]int // by remote address
}

func newSeats(total, each int) *seats {
	return &seats{total: total, each: each, by: make(map[string]int)}
}

// take returns how to give the seat back, or why there is none.
func (s *seats) take(remote string) (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by[remote] >= s.each {
		return nil, rpc.LimitExceeded("too many subscriptions: a connection may have %d", s.each)
	}
	if s.taken >= s.total {
		return nil, rpc.LimitExceeded("too many subscriptions: this node serves %d at once", s.total)
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
