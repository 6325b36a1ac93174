package rpc

import (
	"net"
	"sync"
)

// conns is a listener that bounds the open connections and knows them by their
// remote address, so that one can be cut off.
type conns struct {
	net.Listener
	slots chan struct{}
	done  chan struct{} // closed with the listener
	once  sync.Once

	mu   sync.Mutex
	open map[string]net.Conn
}

// unsentBytes bounds what of an answer waits in the system because the client does not
// take it, beside what is on its way, in bytes: two pieces of what is written at once.
const unsentBytes = 2 * progressBytes

func newConns(l net.Listener, limit int) *conns {
	return &conns{Listener: l, slots: make(chan struct{}, limit), done: make(chan struct{}), open: make(map[string]net.Conn)}
}

// Accept waits for a free slot only when all are taken: the connection that it
// holds meanwhile is the one that waits.
func (c *conns) Accept() (net.Conn, error) {
	raw, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	select {
	case c.slots <- struct{}{}:
	case <-c.done:
		_ = raw.Close()
		return nil, net.ErrClosed
	}
	boundUnsent(raw)
	conn := &trackedConn{Conn: raw, of: c}
	c.mu.Lock()
	c.open[raw.RemoteAddr().String()] = conn
	c.mu.Unlock()
	return conn, nil
}

// Close ends Accept, also one that waits for a slot.
func (c *conns) Close() error {
	c.once.Do(func() { close(c.done) })
	return c.Listener.Close()
}

// cut closes the connection from a remote address.
func (c *conns) cut(remote string) {
	c.mu.Lock()
	conn := c.open[remote]
	c.mu.Unlock()
	if conn != nil {
		_ = conn.Close()
	}
}

type trackedConn struct {
	net.Conn
	of   *conns
	once sync.Once
}

func (t *trackedConn) Close() error {
	t.once.Do(func() {
		t.of.mu.Lock()
		delete(t.of.open, t.RemoteAddr().String())
		t.of.mu.Unlock()
		<-t.of.slots
	})
	return t.Conn.Close()
}
