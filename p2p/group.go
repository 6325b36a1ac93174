package p2p

import "sync"

// group counts the goroutines of one Run, also those that libp2p starts for us
// (stream handlers), so that Run can wait for all of them. After close nobody
// can enter.
type group struct {
	mu     sync.Mutex
	closed bool
	wg     sync.WaitGroup
}

// enter registers the calling goroutine; it must call leave if enter said true.
func (g *group) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.wg.Add(1)
	return true
}

func (g *group) leave() { g.wg.Done() }

// run starts fn in a goroutine of the group; after close it does nothing.
func (g *group) run(fn func()) {
	if !g.enter() {
		return
	}
	go func() {
		defer g.leave()
		fn()
	}()
}

// shut lets nobody in any more; wait waits for those inside.
func (g *group) shut() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
}

func (g *group) wait() { g.wg.Wait() }
