package eth

import (
	"context"
	"errors"

	"github.com/ethereum/go-ethereum/core/types"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/quorate/quorate/rpc/ethjson"
)

// NewHeads notifies of every final block from now on: eth_subscribe("newHeads").
func (a *API) NewHeads(ctx context.Context) (*gethrpc.Subscription, error) {
	return a.subscribe(ctx, func(block *types.Block, _ types.Receipts, notify func(any) error) error {
		return notify(ethjson.Header(block.Header()))
	})
}

// Logs notifies of every matching log of final blocks from now on:
// eth_subscribe("logs", filter). A range in the filter is ignored.
func (a *API) Logs(ctx context.Context, c Criteria) (*gethrpc.Subscription, error) {
	if err := c.check(a.limits.LogAlternatives); err != nil {
		return nil, err
	}
	return a.subscribe(ctx, func(block *types.Block, receipts types.Receipts, notify func(any) error) error {
		if !c.mayMatch(block.Bloom()) {
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

// subscribe runs tell for every block until the client unsubscribes, goes away
// or lags behind too far: then its connection is cut, so that it notices.
func (a *API) subscribe(ctx context.Context, tell func(block *types.Block, receipts types.Receipts, notify func(any) error) error) (*gethrpc.Subscription, error) {
	notifier, ok := gethrpc.NotifierFromContext(ctx)
	if !ok || a.feed == nil {
		return nil, gethrpc.ErrNotificationsUnsupported
	}
	leave, err := a.subs.Take(gethrpc.PeerInfoFromContext(ctx).RemoteAddr)
	if err != nil {
		return nil, err
	}
	sub := notifier.CreateSubscription()
	events := a.feed.Subscribe(a.limits.FeedBuffer) // before the answer: no block is missed
	connection := context.WithoutCancel(ctx)        // the call's context ends with the call
	go func() {
		defer leave()
		defer events.Close()
		live, stop := context.WithCancel(context.Background())
		defer stop()
		go func() { defer stop(); <-sub.Err() }() //nolint:errcheck // ends with the subscription or the connection
		err := a.forward(live, events, func(block *types.Block, receipts types.Receipts) error {
			return tell(block, receipts, func(v any) error { return notifier.Notify(sub.ID, v) })
		})
		if err != nil && live.Err() == nil {
			a.log.Debug("JSON-RPC: subscriber cut off", "reason", err)
			a.cut(connection)
		}
	}()
	return sub, nil
}

// forward hands over blocks until one of both sides ends.
func (a *API) forward(ctx context.Context, events Events, tell func(*types.Block, types.Receipts) error) error {
	for {
		block, receipts, err := events.Next(ctx)
		if errors.Is(err, context.Canceled) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := tell(block, receipts); err != nil {
			return err
		}
	}
}
