package chain

import (
	"sync"

	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/state"
)

// Event is a block that has just become final. It is shared among subscribers:
// nobody may change what it points to.
type Event struct {
	Block    *types.Block
	Receipts types.Receipts
	Skipped  []state.Skipped // of the batch, with the reasons; empty for imported blocks
	Sealed   *Sealed
}

// Subscription receives every block that becomes final after it was made, in
// order and without gaps, until it is closed.
type Subscription struct {
	c    chan Event
	list *subscribers
	err  error // guarded by list.mu
}

type subscribers struct {
	mu   sync.Mutex
	list map[*Subscription]struct{}
}

// Subscribe returns a subscription that buffers up to buffer events, at least
// one. Who falls further behind is closed with ErrSlow: a commit never waits.
// The reader then subscribes again and reads the blocks in between.
func (c *Chain) Subscribe(buffer int) *Subscription {
	s := &Subscription{c: make(chan Event, max(buffer, 1)), list: &c.subscribers}
	s.list.mu.Lock()
	defer s.list.mu.Unlock()
	if s.list.list == nil {
		s.list.list = make(map[*Subscription]struct{})
	}
	s.list.list[s] = struct{}{}
	return s
}

// C returns the events. It is closed when the subscription ends.
func (s *Subscription) C() <-chan Event { return s.c }

// Err says why C was closed: nil after Close, ErrSlow for a slow reader, ErrJumped
// if there are no events for the next blocks.
func (s *Subscription) Err() error {
	s.list.mu.Lock()
	defer s.list.mu.Unlock()
	return s.err
}

// Close ends the subscription. Closing it twice is harmless.
func (s *Subscription) Close() {
	s.list.mu.Lock()
	defer s.list.mu.Unlock()
	s.end(nil)
}

// endAll ends every subscription.
func (l *subscribers) endAll(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for s := range l.list {
		s.end(err)
	}
}

// end is called with the lock held.
func (s *Subscription) end(err error) {
	if _, open := s.list.list[s]; !open {
		return
	}
	delete(s.list.list, s)
	s.err = err
	close(s.c)
}

// send gives the event to everybody who has room. The order among subscribers
// is nobody's business, so ranging over the map is fine here.
func (l *subscribers) send(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for s := range l.list {
		select {
		case s.c <- e:
		default:
			s.end(ErrSlow)
		}
	}
}
