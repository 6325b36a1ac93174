package eth

import (
	"context"
	"errors"

	"github.com/ethereum/go-ethereum/core/types"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/ethjson"
)

// NewHeads notifies of every final block from now on: eth_subscribe("newHeads").
func (a *API) NewHeads(ctx context.Context) (*gethrpc.Subscription, error) {
	return a.eachBlock(ctx, func(block *types.Block, _ types.Receipts, notify func(any) error) error {
		return notify(ethjson.Header(block.Header()))
	})
}

// Logs notifies of every matching log of final blocks from now on:
// eth_subscribe("logs", filter). A range in the filter bounds them.
func (a *API) Logs(ctx context.Context, c Criteria) (*gethrpc.Subscription, error) {
	if err := c.check(a.limits.LogAlternatives); err != nil {
		return nil, err
	}
	first, last, err := c.future()
	if err != nil {
		return nil, err
	}
	return a.eachBlock(ctx, func(block *types.Block, receipts types.Receipts, notify func(any) error) error {
		if n := block.NumberU64(); n < first || n > last || !c.mayMatch(block.Bloom()) {
			return nil
		}
		for _, l := range c.of(receipts) {
			if err := notify(ethjson.Log(l)); err != nil {
				return err
			}
		}
		return nil
	})
}

// NewPendingTransactions notifies of every transaction that the pool admits from
// now on: eth_subscribe("newPendingTransactions"). It tells hashes or, full,
// transactions.
func (a *API) NewPendingTransactions(ctx context.Context, full *bool) (*gethrpc.Subscription, error) {
	if a.recent == nil {
		return nil, gethrpc.ErrNotificationsUnsupported
	}
	signer := types.LatestSigner(a.cfg)
	return a.subscribe(ctx, func() source {
		arrivals := a.recent.pending.SubscribeNew(a.limits.PendingBuffer)
		return source{arrivals.Close, func(ctx context.Context, notify func(any) error) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case txs := <-arrivals.C():
				if arrivals.Lost() > 0 {
					return rpc.LimitExceeded("subscription dropped: more than %d groups of transactions behind", a.limits.PendingBuffer)
				}
				return tellPending(txs, full != nil && *full, signer, notify)
			}
		}}
	})
}

func tellPending(txs []*types.Transaction, full bool, signer types.Signer, notify func(any) error) error {
	for _, tx := range txs {
		var v any = tx.Hash()
		if full {
			v = ethjson.Transaction(tx, nil, signer)
		}
		if err := notify(v); err != nil {
			return err
		}
	}
	return nil
}

// eachBlock subscribes to what tell makes of every block.
func (a *API) eachBlock(ctx context.Context, tell func(block *types.Block, receipts types.Receipts, notify func(any) error) error) (*gethrpc.Subscription, error) {
	if a.feed == nil {
		return nil, gethrpc.ErrNotificationsUnsupported
	}
	return a.subscribe(ctx, func() source {
		events := a.feed.Subscribe(a.limits.FeedBuffer)
		return source{events.Close, func(ctx context.Context, notify func(any) error) error {
			block, receipts, err := events.Next(ctx)
			if err != nil && !errors.Is(err, context.Canceled) {
				return rpc.LimitExceeded("subscription dropped: more than %d blocks behind", a.limits.FeedBuffer)
			}
			if err != nil {
				return err
			}
			return tell(block, receipts, notify)
		}}
	})
}

// source is where the notifications of one subscription come from.
type source struct {
	close func()
	// next waits for something new and notifies of it. Its error ends the
	// subscription; that of ctx is the client's wish.
	next func(ctx context.Context, notify func(any) error) error
}

// Dropped is the last notification of a subscriber that did not keep up. Its
// connection is cut after it, so that it notices in any case.
type Dropped struct {
	Error DroppedError `json:"error"` // `{code, message}`
}

// DroppedError says why.
type DroppedError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// subscribe forwards a source until the client unsubscribes, goes away or lags
// behind too far.
func (a *API) subscribe(ctx context.Context, open func() source) (*gethrpc.Subscription, error) {
	notifier, ok := gethrpc.NotifierFromContext(ctx)
	if !ok {
		return nil, gethrpc.ErrNotificationsUnsupported
	}
	leave, err := a.subs.Take(gethrpc.PeerInfoFromContext(ctx).RemoteAddr)
	if err != nil {
		return nil, err
	}
	sub := notifier.CreateSubscription()
	from := open()                           // before the answer: nothing is missed
	connection := context.WithoutCancel(ctx) // the call's context ends with the call
	go func() {
		defer leave()
		defer from.close()
		live, stop := context.WithCancel(context.Background())
		defer stop()
		go func() { defer stop(); <-sub.Err() }() //nolint:errcheck // ends with the subscription or the connection
		notify := func(v any) error { return notifier.Notify(sub.ID, v) }
		err := from.next(live, notify)
		for err == nil {
			err = from.next(live, notify)
		}
		if live.Err() == nil {
			a.drop(connection, err, notify)
		}
	}()
	return sub, nil
}

// drop tells a subscriber why, if it still hears that, and cuts its connection.
func (a *API) drop(connection context.Context, why error, notify func(any) error) {
	a.log.Debug("JSON-RPC: subscriber cut off", "reason", why)
	if limit := new(rpc.Error); errors.As(why, &limit) {
		_ = notify(Dropped{DroppedError{limit.Code, limit.Message}})
	}
	a.cut(connection)
}
