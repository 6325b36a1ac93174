package pbft

import (
	"context"

	"github.com/ethereum/go-ethereum/common"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/rpc"
)

// Event is a notification of pbft_subscribe("protocol").
type Event struct {
	TimeUs int64           `json:"timeUs"` // by this node's clock: microseconds since 1970
	Kind   string          `json:"kind"`   // of the message, as the paper names it; also `STATUS`, `FETCH`, `BATCH`, `COMMIT CERTIFICATE`, `CHECKPOINT CERTIFICATE`
	From   *common.Address `json:"from"`   // the validator; null where a message proves itself and its bearer does not matter
	To     *common.Address `json:"to"`     // null: all
	Epoch  uint64          `json:"epoch"`  // 0 where a message has none
	View   uint64          `json:"view"`   // 0 where a message has none
	Seq    uint64          `json:"seq"`    // 0 where a message has none; of a STATUS the last final block
	Sample uint64          `json:"sample"` // 1: all messages are shown; k: under load those of every k-th block only
}

// Lost is the last notification of a subscriber that did not keep up. Its
// connection is cut after it.
type Lost struct {
	Error LostError `json:"error"` // `{code, message}`
}

// LostError says what was lost.
type LostError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// Protocol notifies of the messages of the protocol from now on, as this node
// sends and receives them: pbft_subscribe("protocol").
func (a *API) Protocol(ctx context.Context) (*gethrpc.Subscription, error) {
	notifier, ok := gethrpc.NotifierFromContext(ctx)
	if !ok {
		return nil, gethrpc.ErrNotificationsUnsupported
	}
	leave, err := a.d.Seats.Take(gethrpc.PeerInfoFromContext(ctx).RemoteAddr)
	if err != nil {
		return nil, err
	}
	events, err := a.d.History.Watch(a.d.Limits.ProtocolBuffer)
	if err != nil {
		leave()
		return nil, err
	}
	sub := notifier.CreateSubscription()
	connection := context.WithoutCancel(ctx) // the call's context ends with the call
	go func() {
		defer leave()
		defer events.Close()
		if err := a.forward(sub, events, func(v any) error { return notifier.Notify(sub.ID, v) }); err != nil {
			a.d.Log.Debug("JSON-RPC: subscriber to the protocol cut off", "reason", err)
			a.d.Disconnect(connection)
		}
	}()
	return sub, nil
}

// forward hands over events until one of both sides ends. An error means that
// the connection is to be cut, so that the client notices.
func (a *API) forward(sub *gethrpc.Subscription, events Events, notify func(any) error) error {
	for {
		select {
		case <-sub.Err(): //nolint:errcheck // ends with the subscription or the connection
			return nil
		case ev, ok := <-events.Events():
			if !ok {
				lost := rpc.LimitExceeded("subscription dropped: more than %d messages behind", a.d.Limits.ProtocolBuffer)
				_ = notify(Lost{LostError{lost.Code, lost.Message}}) // if it hears that, good
				return lost
			}
			if err := notify(showEvent(&ev)); err != nil {
				return err
			}
		}
	}
}

func showEvent(e *consensus.ProtocolEvent) *Event {
	out := &Event{TimeUs: e.Time, Kind: e.Kind, Epoch: uint64(e.Epoch), View: uint64(e.View), Seq: uint64(e.Seq), Sample: e.Sample}
	if e.From != (common.Address{}) {
		out.From = &e.From
	}
	if e.To != (common.Address{}) {
		out.To = &e.To
	}
	return out
}
