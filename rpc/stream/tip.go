package stream

import (
	"context"
	"sync"
)

// tip tells any number of readers that there may be new blocks. It keeps none: whoever
// hears of it looks at the chain.
type tip struct {
	feed Feed

	mu      sync.Mutex
	changed chan struct{} // closed at the next block
}

func newTip(f Feed) *tip { return &tip{feed: f, changed: make(chan struct{})} }

// next returns a channel that is closed when there is another block. Ask for it before
// looking at the head.
func (t *tip) next() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.changed
}

func (t *tip) wake() {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.changed)
	t.changed = make(chan struct{})
}

// run listens to the chain until ctx ends. A subscription that the chain closes, for
// it is full or the chain went to a snapshot, is followed by another: nothing that was
// in it matters.
func (t *tip) run(ctx context.Context) error {
	for {
		events := t.feed.Subscribe(1)
		t.wake() // of what came before it
		for open := true; open; {
			select {
			case <-ctx.Done():
				events.Close()
				return nil
			case _, open = <-events.C():
				t.wake()
			}
		}
	}
}
