package pbft

import (
	"context"
	"errors"
	"log/slog"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/registry"
	"github.com/quorate/quorate/rpc"
)

// Deps are what the methods work on. Forks, Seats, Disconnect and Log may be nil.
type Deps struct {
	Genesis      common.Hash // hash of block 0
	Birth        []byte      // the canonical genesis document
	Reporter     Reporter
	Chain        Certificates
	Transactions Transactions
	Members      Members
	History      History
	Witness      Witness
	Forks        func() []registry.Fork    // that the members have scheduled and this build does not know; nil: none
	Seats        *rpc.Seats                // of all namespaces together; nil: of this one
	Disconnect   func(ctx context.Context) // cuts the connection of a call, see rpc.Server
	Limits       rpc.Limits
	Log          *slog.Logger
}

// API has one method per pbft_ method; register it as "pbft".
type API struct{ d Deps }

// New returns the methods.
func New(d Deps) (*API, error) {
	if d.Reporter == nil || d.Chain == nil || d.Transactions == nil || d.Members == nil || d.History == nil || d.Witness == nil {
		return nil, errors.New("rpc/pbft: Reporter, Chain, Transactions, Members, History and Witness are required")
	}
	if err := d.Limits.Validate(); err != nil {
		return nil, err
	}
	if d.Seats == nil {
		d.Seats = rpc.NewSeats(d.Limits)
	}
	if d.Forks == nil {
		d.Forks = func() []registry.Fork { return nil }
	}
	if d.Disconnect == nil {
		d.Disconnect = func(context.Context) {}
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return &API{d}, nil
}
