package stream

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"sync/atomic"

	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/pbft"
)

// Chain reads final blocks. Safe for concurrent use.
type Chain interface {
	Head() *types.Header
	Header(number uint64) (*types.Header, error)
	Rows(number uint64, receipts bool) (*chain.Rows, error)
	Pass(number uint64, receipts bool) (*types.Block, types.Receipts, error) // what Rows cannot be written of
	Origin() uint64                                                          // the oldest block that is here whole
}

// Feed tells of final blocks; *chain.Chain is one.
type Feed interface {
	Subscribe(buffer int) *chain.Subscription
}

// Certificates shows what proves a block; *pbft.API is one.
type Certificates interface {
	CommitCertificate(number rpc.Number) (*pbft.Certificate, error)
}

// Deps are what the doors work on. Turn, Disconnect, Verbatim, Stopped, Seats and Log may be nil.
type Deps struct {
	Chain        Chain
	Feed         Feed
	Certificates Certificates
	Signer       types.Signer              // recovers senders
	Turn         rpc.Turn                  // counts heavy calls of a caller: one GET /v1/blocks is one
	Disconnect   func(ctx context.Context) // cuts the connection of a call, see rpc.Server
	Verbatim     func(ctx context.Context, json []byte) *rpc.Verbatim
	Stopped      <-chan struct{} // closed when no call comes any more
	Seats        *rpc.Seats      // of all subscriptions together; nil: of these
	Limits       rpc.Limits
	Log          *slog.Logger
}

// Doors serves blocks. Run must run for streams to hear of new ones. Safe for
// concurrent use.
type Doors struct {
	d       Deps
	objects Objects
	tip     *tip
	shared  *shared
	places  *rpc.Places
	ranges  *readers
	streams atomic.Int64 // GET /v1/stream and subscriptions that are open
}

// New prepares the doors and starts nothing.
func New(d Deps) (*Doors, error) {
	if d.Chain == nil || d.Feed == nil || d.Certificates == nil || d.Signer == nil {
		return nil, errors.New("rpc/stream: Chain, Feed, Certificates and Signer are required")
	}
	if err := d.Limits.Validate(); err != nil {
		return nil, err
	}
	if d.Turn == nil {
		d.Turn = rpc.AnyTurn
	}
	if d.Disconnect == nil {
		d.Disconnect = func(context.Context) {}
	}
	if d.Verbatim == nil {
		d.Verbatim = rpc.NewVerbatim
	}
	if d.Seats == nil {
		d.Seats = rpc.NewSeats(d.Limits)
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	out := &Doors{
		d: d, objects: Objects{d.Chain, d.Certificates, d.Signer}, tip: newTip(d.Feed), shared: newShared(d.Limits.StreamCache),
		places: rpc.NewPlaces(d.Limits.BlockReads, "reads of blocks", d.Stopped),
		ranges: newReaders(d.Limits),
	}
	return out, nil
}

// Run wakes the streams at every new block, until ctx ends.
func (d *Doors) Run(ctx context.Context) error { return d.tip.run(ctx) }

// Range is GET /v1/blocks.
func (d *Doors) Range() http.Handler { return http.HandlerFunc(d.serveRange) }

// Live is GET /v1/stream.
func (d *Doors) Live() http.Handler { return http.HandlerFunc(d.serveLive) }

func (d *Doors) head() uint64 { return d.d.Chain.Head().Number.Uint64() }

// enter counts a stream in, or says why there is no room.
func (d *Doors) enter() (leave func(), err error) {
	if most := int64(d.d.Limits.Streams); d.streams.Add(1) > most {
		d.streams.Add(-1)
		return nil, rpc.LimitExceeded("too many streams of blocks: this node serves %d at once (%s); ask another node, or GET /v1/blocks", most, rpc.LimitKey("Streams"))
	}
	return func() { d.streams.Add(-1) }, nil
}

// begin returns the first block of a stream: latest is the head, and none the next.
// A client that goes on where another node left off may be ahead of this one.
func (d *Doors) begin(from *rpc.Number, resumes bool) (uint64, error) {
	head := d.head()
	if from == nil {
		return head + 1, nil
	}
	first := from.At(head)
	if first > head+1 && (!resumes || first == math.MaxUint64) {
		return 0, aboveHead(first, head)
	}
	return first, d.here(first)
}

func aboveHead(number, head uint64) error {
	return rpc.InvalidParams("block %d is not there: the head is block %d, so that from may be at most %d", number, head, head+1)
}

// here fails for a block that was never on this node.
func (d *Doors) here(number uint64) error {
	if oldest := d.d.Chain.Origin(); number < oldest {
		return prunedAt(number, oldest)
	}
	return nil
}

func prunedAt(number, oldest uint64) error {
	return &rpc.Error{Code: rpc.CodePruned, Message: "pruned history unavailable: " +
		"block " + decimal(number) + " is not here: this node began with a snapshot, the first block there is is " + decimal(oldest) + "; ask a node that has synced by blocks"}
}

// shown is the error that a client sees.
func shown(err error) *rpc.Error {
	var pruned *chain.ErrPruned
	if errors.As(err, &pruned) {
		err = prunedAt(pruned.Number, pruned.Oldest)
	}
	var out *rpc.Error
	if !errors.As(err, &out) {
		out = &rpc.Error{Code: codeInternal, Message: err.Error()}
	}
	return out
}

// codeInternal is the code of errors without one.
const codeInternal = -32000

// status is that of an error over HTTP.
func status(e *rpc.Error) int {
	switch e.Code {
	case rpc.CodeInvalidParams:
		return http.StatusBadRequest
	case rpc.CodePruned:
		return http.StatusGone
	case rpc.CodeLimit:
		return http.StatusTooManyRequests
	case rpc.CodeTimeout:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
