package stream

import (
	"context"
	"errors"
	"sync"
	"testing"
)

// TestShared: what many ask for at once is made once, the oldest are forgotten for the
// newest, and what failed is made again.
func TestShared(t *testing.T) {
	s := newShared(100)
	made := 0
	var together sync.WaitGroup
	for range 50 {
		together.Go(func() {
			data, err := s.get(t.Context(), place{1, 0}, func() ([]byte, error) { made++; return make([]byte, 60), nil })
			if len(data) != 60 || err != nil {
				t.Errorf("%d bytes, %v", len(data), err)
			}
		})
	}
	together.Wait()
	if made != 1 {
		t.Errorf("made %d times", made)
	}
	get := func(n uint64, size int) (fresh bool) {
		data, err := s.get(t.Context(), place{n, 0}, func() ([]byte, error) { fresh = true; return make([]byte, size), nil })
		if err != nil || len(data) != size {
			t.Fatal(err)
		}
		return fresh
	}
	for i, c := range []struct {
		number uint64
		size   int
		fresh  bool
	}{{1, 60, false}, {2, 40, true}, {1, 60, false}, {3, 10, true}, {2, 40, false}, {1, 60, true}, {4, 101, true}, {4, 101, true}} {
		if get(c.number, c.size) != c.fresh {
			t.Errorf("step %d, block %d: made %v", i, c.number, !c.fresh)
		}
	}
	if _, ok := s.find(place{4, 0}); ok {
		t.Error("one that is too large is there")
	}
	if s.used != 0 || len(s.have) != 0 {
		t.Errorf("one that is too large pushed out the others: %d bytes of %d objects", s.used, len(s.have))
	}
	broken := errors.New("broken")
	if _, err := s.get(t.Context(), place{5, 0}, func() ([]byte, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
	func() {
		defer func() { _ = recover() }()
		_, _ = s.get(t.Context(), place{5, 0}, func() ([]byte, error) { panic("x") })
	}()
	if !get(5, 1) {
		t.Error("a failure was kept")
	}
	if data, ok := s.find(place{5, 0}); !ok || len(data) != 1 {
		t.Errorf("one that is here is not found: %d bytes", len(data))
	}
	ctx, cancel := context.WithCancel(t.Context())
	waits := make(chan struct{})
	go func() {
		_, _ = s.get(t.Context(), place{6, 0}, func() ([]byte, error) { close(waits); <-ctx.Done(); return nil, nil })
	}()
	<-waits
	if _, ok := s.find(place{6, 0}); ok {
		t.Error("one that is being made is found")
	}
	go cancel()
	if _, err := s.get(ctx, place{6, 0}, nil); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
