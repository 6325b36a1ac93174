package stream

import (
	"context"

	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/quorate/quorate/rpc"
)

// Subscriptions adds the subscription to blocks to a namespace: register it as "pbft".
type Subscriptions struct{ d *Doors }

// NewSubscriptions returns it.
func NewSubscriptions(d *Doors) *Subscriptions { return &Subscriptions{d} }

// BlocksQuery is what pbft_subscribe("blocks") asks for.
type BlocksQuery struct {
	From    *rpc.Number `json:"from"`    // the first block; latest is the head; without it the next one
	Include []string    `json:"include"` // transactions, receipts, certificate
}

// Failed is the last notification of a subscription that cannot go on, and the data of
// the last event of GET /v1/stream.
type Failed struct {
	Error FailedError `json:"error"` // `{code, message}`
}

// FailedError says why.
type FailedError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// Blocks notifies of every final block from a number on, in order and once:
// pbft_subscribe("blocks", {from, include}). Who is behind gets what the disk gives.
func (s *Subscriptions) Blocks(ctx context.Context, q *BlocksQuery) (*gethrpc.Subscription, error) {
	notifier, ok := gethrpc.NotifierFromContext(ctx)
	if !ok {
		return nil, gethrpc.ErrNotificationsUnsupported
	}
	if q == nil {
		q = new(BlocksQuery)
	}
	include, err := ParseInclude(q.Include)
	if err != nil {
		return nil, err
	}
	next, err := s.d.begin(q.From, false)
	if err != nil {
		return nil, err
	}
	seat, err := s.d.d.Seats.Take(gethrpc.PeerInfoFromContext(ctx).RemoteAddr)
	if err != nil {
		return nil, err
	}
	leave, err := s.d.enter()
	if err != nil {
		seat()
		return nil, err
	}
	sub := notifier.CreateSubscription()
	connection := context.WithoutCancel(ctx) // the call's context ends with the call
	go func() {
		defer seat()
		defer leave()
		live, stop := context.WithCancel(connection)
		defer stop()
		go func() { defer stop(); <-sub.Err() }() //nolint:errcheck // ends with the subscription or the connection
		notify := func(object []byte) error {
			v := s.d.d.Verbatim(connection, object)
			defer v.Close()
			if err := notifier.Notify(sub.ID, v); err != nil {
				return err
			}
			return v.Wait(live)
		}
		if err := s.forward(live, next, include, notify); live.Err() == nil {
			s.d.d.Log.Debug("JSON-RPC: subscriber to blocks cut off", "reason", err)
			e := shown(err)
			_ = notifier.Notify(sub.ID, Failed{FailedError{e.Code, e.Message}}) // if it hears that, good
			s.d.d.Disconnect(connection)
		}
	}()
	return sub, nil
}

// forward notifies of one block after the other. Each is written before the next is
// read: the connection itself says how fast.
func (s *Subscriptions) forward(ctx context.Context, next uint64, include Include, notify func(object []byte) error) error {
	var spare []byte // for the next block from the disk, while there is one
	for ctx.Err() == nil {
		changed := s.d.tip.next() // before the head: no block is missed
		head := s.d.head()
		if next > head {
			giveBack(spare)
			spare = nil
			select {
			case <-changed:
			case <-ctx.Done():
			}
			continue
		}
		var object []byte
		var err error
		far := head-next >= nearHead
		if far {
			object, err = s.d.alone(ctx, spare, next, include)
		} else {
			giveBack(spare)
			object, err = s.d.near(ctx, next, include)
		}
		spare = nil
		if err == nil {
			err = notify(object)
		}
		if err != nil {
			return err // it may still be written: nobody else gets the buffer
		}
		if far {
			spare = object
		}
		next++
	}
	return nil
}
