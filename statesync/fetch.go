package statesync

import (
	"context"
	"sync"
	"time"
)

// fetch works on all tasks until they are done: Parallel workers, each with one
// request to one peer under way. A task whose request failed goes back to the queue.
func (r *run) fetch(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	todo := make(chan *task, len(r.tasks))
	left := 0
	for _, t := range r.tasks {
		if !t.row.Done {
			todo <- t
			left++
		}
	}
	var mu sync.Mutex // guards left
	finished := func() {
		mu.Lock()
		defer mu.Unlock()
		if left--; left == 0 {
			close(todo)
		}
	}
	if left == 0 {
		close(todo)
	}
	var wg sync.WaitGroup
	for range r.cfg.Parallel {
		wg.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case t, open := <-todo:
					if !open {
						return
					}
					if err := r.step(ctx, t); err != nil {
						cancel(err)
						return
					}
					if t.row.Done {
						finished()
					} else {
						todo <- t // it has room for all of them
					}
				}
			}
		})
	}
	stop := r.tell(ctx)
	wg.Wait()
	stop()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return r.c.db.Sync()
}

// step makes one request for a task. A peer's fault is no error.
func (r *run) step(ctx context.Context, t *task) error {
	if err := r.c.db.Writable(); err != nil {
		return err
	}
	peer, err := r.peers.pick(ctx)
	if err != nil {
		return err
	}
	q := r.question(t)
	if err := r.one(ctx, peer, q, func(data []byte) error { return r.take(t, q, data) }); err != nil {
		return r.judge(ctx, peer, err)
	}
	r.peers.done(peer)
	return nil
}

// tell writes a line of progress now and then until it is stopped.
func (r *run) tell(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(reportEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				p := r.c.Progress()
				r.cfg.Logger.Info("a snapshot is being fetched", "block", p.Pivot, "percent", int(100*p.Part), "accounts", p.Accounts, "slots", p.Slots, "bytes", p.Bytes)
			}
		}
	})
	return func() { cancel(); wg.Wait() }
}
