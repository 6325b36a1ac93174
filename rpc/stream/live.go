package stream

import (
	"context"
	"encoding/json"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/quorate/quorate/rpc"
)

// serveLive is GET /v1/stream.
func (d *Doors) serveLive(w http.ResponseWriter, r *http.Request) {
	next, include, err := d.liveOf(r)
	if err != nil {
		refuse(w, err)
		return
	}
	leave, err := d.enter()
	if err != nil {
		refuse(w, err)
		return
	}
	defer leave()
	rpc.Release(r.Context())
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would keep events back
	if r.Method == http.MethodHead {
		return
	}
	c := &client{d: d, out: rpc.NewProgress(w, d.d.Limits), include: include, next: next}
	if err := c.serve(r.Context()); err != nil {
		d.d.Log.Debug("GET /v1/stream ended", "block", c.next, "reason", err)
	}
}

// liveOf reads a request for a stream. What the client has had goes before what it
// asked for at first: that is what a browser sends when it connects again.
func (d *Doors) liveOf(r *http.Request) (next uint64, include Include, err error) {
	q, err := query(r, "from", "include")
	if err != nil {
		return 0, 0, err
	}
	if include, err = includeOf(q); err != nil {
		return 0, 0, err
	}
	from, err := numberOf(q, "from")
	if err != nil {
		return 0, 0, err
	}
	after, resumes, err := lastEvent(r)
	if err != nil {
		return 0, 0, err
	}
	if resumes {
		from = &after
	}
	next, err = d.begin(from, resumes)
	return next, include, err
}

// client is one GET /v1/stream.
type client struct {
	d       *Doors
	out     *rpc.Progress
	include Include
	next    uint64 // the next block

	held  atomic.Pointer[[]byte] // what is being written; nil: to be read anew
	inner bool                   // an event has begun and not ended
	chunk []byte                 // what is in the connection's hands
	spare []byte                 // for the next piece from the disk, while there is one
}

// serve sends blocks until the client or the server ends. An error that the client can
// do something about is its last event.
func (c *client) serve(ctx context.Context) error {
	if err := c.say(": blocks from " + decimal(c.next) + "\nretry: 1000\n\n"); err != nil {
		return err
	}
	for {
		changed := c.d.tip.next() // before the head: no block is missed
		head := c.d.head()
		var err error
		if c.next <= head && head-c.next >= nearHead {
			err = c.sendFar(ctx, head)
		} else {
			giveBack(c.spare)
			c.spare = nil
			err = c.sendShared(ctx, head, changed)
		}
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return c.fail(ctx, err)
		}
	}
}

// fail tells why the stream ends, if the client can still hear that. In the middle of an
// event it says nothing: clients forget an event without an end, and ask for it again.
func (c *client) fail(ctx context.Context, why error) error {
	if ctx.Err() != nil || c.inner {
		return why
	}
	e := shown(why)
	text, err := json.Marshal(Failed{FailedError{e.Code, e.Message}})
	if err != nil {
		return err
	}
	_ = c.say("event: error\ndata: " + string(text) + "\n\n")
	return why
}

// say sends a few bytes at once.
func (c *client) say(text string) error {
	if _, err := c.out.Write([]byte(text)); err != nil {
		return err
	}
	return c.out.Flush()
}

// wait returns at the next block, and keeps the connection alive meanwhile.
func (c *client) wait(ctx context.Context, changed <-chan struct{}) error {
	if err := c.out.Flush(); err != nil {
		return err
	}
	beat := time.NewTimer(c.d.d.Limits.StreamHeartbeat)
	defer beat.Stop()
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return nil
	case <-beat.C:
		return c.say(":\n\n")
	}
}

// sendShared sends the next block or waits for it.
func (c *client) sendShared(ctx context.Context, head uint64, changed <-chan struct{}) error {
	if c.next > head {
		return c.wait(ctx, changed)
	}
	return c.sendNear(ctx)
}

// sendNear sends the next block, which others most likely want, too.
func (c *client) sendNear(ctx context.Context) error {
	object, err := c.d.near(ctx, c.next, c.include)
	if err != nil {
		return err
	}
	c.held.Store(&object)
	defer c.held.Store(nil)
	c.inner = true
	if _, err := c.out.Write(events.before(nil, c.next)); err != nil {
		return err
	}
	if err := c.send(len(object), func() ([]byte, error) { return c.d.again(ctx, c.next, c.include) }); err != nil {
		return err
	}
	if _, err := c.out.Write(events.after(nil, c.next)); err != nil {
		return err
	}
	c.next++
	c.inner = false
	return nil
}

// sendFar sends some blocks from the disk.
func (c *client) sendFar(ctx context.Context, head uint64) error {
	b := c.spare // what is held below is held once
	c.spare = nil
	p, err := c.d.far(ctx, b, c.next, head, c.include, events)
	b = nil //nolint:ineffassign,wastedassign // as in send
	if err != nil {
		return err
	}
	c.held.Store(&p.data)
	c.inner = true
	after := p.next
	if err := c.send(len(p.data), func() ([]byte, error) {
		again, err := c.d.far(ctx, take(), c.next, after-1, c.include, events)
		return again.data, err
	}); err != nil {
		return err
	}
	if held := c.held.Swap(nil); held != nil {
		c.spare = *held
	}
	c.next = after
	c.inner = false
	return nil
}

// chunkBytes is what a client that does not read keeps in memory.
const chunkBytes = 64 << 10

// send writes what is held, size bytes. When the client takes no chunk within
// StreamHold, it is let go of, and read anew when the client goes on: a block is the
// same each time.
func (c *client) send(size int, read func() ([]byte, error)) error {
	letGo := time.AfterFunc(c.d.d.Limits.StreamHold, func() { c.held.Store(nil) })
	defer letGo.Stop()
	for done := 0; done < size; {
		held := c.held.Load()
		if held == nil {
			again, err := read()
			if err != nil {
				return err
			}
			held = &again
			c.held.Store(held)
		}
		c.chunk = append(c.chunk[:0], (*held)[done:min(size, done+chunkBytes)]...)
		held = nil //nolint:ineffassign,wastedassign // nothing but c.held may hold it below
		letGo.Reset(c.d.d.Limits.StreamHold)
		n, err := c.out.Write(c.chunk)
		if err != nil {
			return err
		}
		done += n
	}
	return nil
}
