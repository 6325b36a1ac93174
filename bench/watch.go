package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"
	"github.com/gorilla/websocket"
)

// heads is the buffer of the subscription: a burst of blocks must not close it.
const heads = 1024

// watcher follows newHeads on one URL, and on the next if that fails.
type watcher struct {
	load *load
	next uint64 // number of the first block not yet seen
	at   int    // index of the URL
	conn *rpc.Client
	sub  *rpc.ClientSubscription
	ch   chan head
}

// head is the part of a header that matters here, and when it came: blocks before
// it may still be in the making when it is taken from the channel.
type head struct {
	number  uint64
	arrived time.Time
}

// UnmarshalJSON is called by the connection's reader as the message arrives.
func (h *head) UnmarshalJSON(data []byte) error {
	h.arrived = time.Now()
	var fields struct {
		Number hexutil.Uint64 `json:"number"`
	}
	err := json.Unmarshal(data, &fields)
	h.number = uint64(fields.Number)
	return err
}

// subscribe connects to the first URL that is alive, and reads where the chain is
// if this is the first time.
func (w *watcher) subscribe(ctx context.Context) error {
	var errs []error
	for range w.load.urls {
		e := w.load.urls[w.at%len(w.load.urls)]
		w.load.mu.Lock()
		dead := e.dead
		w.load.mu.Unlock()
		if !dead {
			err := w.connect(ctx, e)
			if err == nil {
				return nil
			}
			errs = append(errs, fmt.Errorf("%s: %w", e.ws, err))
		}
		w.at++
	}
	return fmt.Errorf("bench: no newHeads: %w", errors.Join(errs...))
}

func (w *watcher) connect(ctx context.Context, e *endpoint) error {
	ctx, cancel := context.WithTimeout(ctx, w.load.cfg.RequestTimeout)
	defer cancel()
	conn, err := rpc.DialOptions(ctx, e.ws, rpc.WithHeaders(e.header), rpc.WithWebsocketDialer(websocket.Dialer{TLSClientConfig: e.tls}))
	if err != nil {
		return err
	}
	ch := make(chan head, heads)
	sub, err := conn.EthSubscribe(ctx, ch, "newHeads")
	if err != nil {
		conn.Close()
		return err
	}
	// What was mined before the subscription is seen without waiting for more.
	var number hexutil.Uint64
	if err := conn.CallContext(ctx, &number, "eth_blockNumber"); err != nil {
		conn.Close()
		return err
	}
	if w.next == 0 {
		w.next = uint64(number) + 1
	}
	ch <- head{uint64(number), time.Now()}
	w.conn, w.sub, w.ch = conn, sub, ch
	return nil
}

func (w *watcher) close() {
	if w.conn != nil {
		w.sub.Unsubscribe()
		w.conn.Close()
		w.conn = nil
	}
}

// patience is how often in a row every URL may fail before the run gives up.
const patience = 20

// run books blocks until ctx ends. It is called with a subscription made.
func (w *watcher) run(ctx context.Context) {
	defer w.close()
	var buf bytes.Buffer
	ticker := time.NewTicker(w.load.cfg.Stall / 10)
	defer ticker.Stop()
	for ctx.Err() == nil {
		var err error
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			w.load.stalled(now)
		case h := <-w.ch:
			err = w.catchUp(ctx, h.number, h.arrived, &buf)
		case err = <-w.sub.Err():
			if err == nil {
				err = errors.New("subscription ended")
			}
		}
		if err != nil && ctx.Err() == nil && !w.resubscribe(ctx, err) {
			return
		}
	}
}

// catchUp books every block up to number.
func (w *watcher) catchUp(ctx context.Context, number uint64, arrived time.Time, buf *bytes.Buffer) error {
	e := w.load.urls[w.at%len(w.load.urls)]
	for ; w.next <= number; w.next++ {
		hashes, err := e.blockHashes(ctx, w.next, buf)
		if err != nil {
			return err
		}
		w.load.include(w.next, arrived, hashes)
	}
	return nil
}

func (w *watcher) resubscribe(ctx context.Context, err error) bool {
	w.load.cfg.Logger.Warn("newHeads lost", "url", w.load.urls[w.at%len(w.load.urls)].ws, "err", err)
	for range patience {
		w.close()
		w.at++
		if err = w.subscribe(ctx); err == nil {
			return true
		}
		if pause(ctx, poll) != nil {
			return false
		}
	}
	w.load.mu.Lock()
	defer w.load.mu.Unlock()
	w.load.finish(err)
	return false
}
