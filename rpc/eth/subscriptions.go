package eth

import (
	"context"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// syncingPoll is the time between two looks at the progress, as often as a
// client is notified while the node catches up.
const syncingPoll = time.Second

// Subscriptions are those whose name is a method's too: register it as "eth"
// beside the API.
type Subscriptions struct{ api *API }

// Subscriptions returns them.
func NewSubscriptions(a *API) *Subscriptions { return &Subscriptions{a} }

// SyncingStatus is the notification of a node that catches up.
type SyncingStatus struct {
	Syncing bool                      `json:"syncing"` // true
	Status  map[string]hexutil.Uint64 `json:"status"`  // what eth_syncing returns
}

// Syncing notifies whether the node catches up, at once and whenever that
// changes, with its progress meanwhile: eth_subscribe("syncing"). A node that
// follows is `false`.
func (s *Subscriptions) Syncing(ctx context.Context) (*gethrpc.Subscription, error) {
	return s.api.subscribe(ctx, s.source)
}

func (s *Subscriptions) source() source {
	tick := time.NewTicker(syncingPoll)
	var told *stage
	return source{tick.Stop, func(ctx context.Context, notify func(any) error) error {
		if now := s.api.stage(); told == nil || *told != now {
			told = &now
			return notify(now.show())
		}
		select {
		case <-tick.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
}

// stage is how far a node is; the zero value is one that follows.
type stage struct {
	starting, current, highest uint64
	active                     bool
}

func (a *API) stage() (s stage) {
	if a.progress == nil {
		return stage{}
	}
	if s.starting, s.current, s.highest, s.active = a.progress.Syncing(); !s.active {
		return stage{}
	}
	return s
}

func (s stage) show() any {
	if !s.active {
		return false
	}
	return SyncingStatus{true, s.numbers()}
}

// numbers are the object of eth_syncing.
func (s stage) numbers() map[string]hexutil.Uint64 {
	return map[string]hexutil.Uint64{
		"startingBlock": hexutil.Uint64(s.starting),
		"currentBlock":  hexutil.Uint64(s.current),
		"highestBlock":  hexutil.Uint64(s.highest),
	}
}
