package stream

import (
	"context"
	"errors"
	"sync"
)

// shared keeps the encoded objects of blocks near the head, up to a sum of their sizes.
// Who asks for one that another is making waits for it: each is made once. Safe for
// concurrent use.
type shared struct {
	max int

	mu    sync.Mutex
	used  int
	have  map[place]*object
	order []place // of those that are made, the oldest first
}

// place says which object of which block.
type place struct {
	number  uint64
	include Include
}

type object struct {
	made chan struct{} // closed when data or err is there
	data []byte
	err  error
}

func newShared(max int) *shared { return &shared{max: max, have: make(map[place]*object)} }

// get returns an object, which nobody may change. It may have to wait for it, until ctx
// ends.
func (s *shared) get(ctx context.Context, at place, make func() ([]byte, error)) ([]byte, error) {
	s.mu.Lock()
	o := s.have[at]
	first := o == nil
	if first {
		o = newObject()
		s.have[at] = o
	}
	s.mu.Unlock()
	if first {
		s.fill(at, o, make)
	}
	select {
	case <-o.made:
		return o.data, o.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// find returns an object that is here, for those who have had it before. It makes none:
// theirs would put newer ones out.
func (s *shared) find(at place) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.have[at]
	if o == nil {
		return nil, false
	}
	select {
	case <-o.made:
		return o.data, o.err == nil
	default:
		return nil, false
	}
}

func newObject() *object { return &object{made: make(chan struct{}), err: errBroken} }

// errBroken is what others hear when the one that makes an object panics.
var errBroken = errors.New("rpc/stream: the block could not be read")

func (s *shared) fill(at place, o *object, make func() ([]byte, error)) {
	defer close(o.made)
	defer s.keep(at, o)
	o.data, o.err = make()
}

// keep counts an object that was made, and forgets the oldest ones for it. One that
// failed is made anew when it is asked for again.
func (s *shared) keep(at place, o *object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.err != nil {
		delete(s.have, at)
		return
	}
	s.order = append(s.order, at)
	for s.used += len(o.data); s.used > s.max && len(s.order) > 0; s.order = s.order[1:] {
		s.used -= len(s.have[s.order[0]].data)
		delete(s.have, s.order[0])
	}
}
