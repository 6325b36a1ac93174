package eth

import (
	"context"
	"errors"
	"log/slog"
	"math/big"

	gstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/params"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/state"
)

// NewEVM makes the EVM that calls run in, hooked up to cfg.Tracer if there is one;
// (*state.State).NewEVM is one, and shares its caches with the execution of blocks.
type NewEVM func(env vm.BlockContext, db *gstate.StateDB, cfg vm.Config) *vm.EVM

// BlockRules say how a network makes its blocks, as far as their headers do not
// tell. The zero value is a network of ours.
type BlockRules struct {
	BaseFee  func(parent *types.Header) *big.Int       // of the next block, wei per gas; nil: the parent's, it is constant
	Requests bool                                      // a block ends with the queues of EIP-7002 and EIP-7251
	Finish   func(header *types.Header, db vm.StateDB) // what is written last, such as rewards; nil: nothing
}

// Deps are what the methods work on. Progress, Feed, Recent and Disconnect may
// be nil: then the node never syncs, has no subscriptions, tells of no pending
// transactions, and cuts nobody off. Extent may be nil: then every
// old state is kept with its proofs.
type Deps struct {
	Config     *params.ChainConfig
	Chain      Chain
	Index      Index
	Logs       LogIndex
	States     States
	Pool       Pool
	Feed       Feed
	Recent     *Recent
	Progress   Progress
	NewEVM     NewEVM                    // nil: go-ethereum's
	Extent     func() state.Extent       // what is kept of old states
	Origin     func() uint64             // the oldest block that is here whole; nil: all are
	Blocks     BlockRules                // what simulated blocks follow
	Disconnect func(ctx context.Context) // cuts the connection of a call, see rpc.Server
	Turn       rpc.Turn                  // takes the caller's own place for heavy work; nil: callers are not counted
	Stopped    <-chan struct{}           // closed when no call comes any more; may be nil
	Seats      *rpc.Seats                // of all namespaces together; nil: of this one
	Limits     rpc.Limits
	Log        *slog.Logger
}

// API has one method per eth_ method; register it as "eth".
type API struct {
	cfg      *params.ChainConfig
	chain    Chain
	index    Index
	logs     LogIndex
	states   States
	pool     Pool
	feed     Feed
	recent   *Recent
	filters  *filters
	progress Progress
	newEVM   NewEVM
	extent   func() state.Extent
	origin   func() uint64
	blocks   BlockRules
	cut      func(ctx context.Context)
	turn     rpc.Turn
	limits   rpc.Limits
	log      *slog.Logger
	calls    *rpc.Places   // of executions
	scans    *rpc.Places   // of log scans
	waits    chan struct{} // one token per eth_sendRawTransactionSync that waits
	subs     *rpc.Seats
}

// New returns the methods.
func New(d Deps) (*API, error) {
	if d.Config == nil || d.Chain == nil || d.Index == nil || d.Logs == nil || d.States == nil || d.Pool == nil || d.Log == nil {
		return nil, errors.New("rpc/eth: Config, Chain, Index, Logs, States, Pool and Log are required")
	}
	if err := d.Limits.Validate(); err != nil {
		return nil, err
	}
	if d.Disconnect == nil {
		d.Disconnect = func(context.Context) {}
	}
	if d.Turn == nil {
		d.Turn = rpc.AnyTurn
	}
	if d.Seats == nil {
		d.Seats = rpc.NewSeats(d.Limits)
	}
	if d.NewEVM == nil {
		d.NewEVM = func(env vm.BlockContext, db *gstate.StateDB, cfg vm.Config) *vm.EVM {
			if cfg.Tracer == nil {
				return vm.NewEVM(env, db, d.Config, cfg)
			}
			return vm.NewEVM(env, gstate.NewHookedState(db, cfg.Tracer), d.Config, cfg)
		}
	}
	return &API{
		cfg: d.Config, chain: d.Chain, index: d.Index, logs: d.Logs, states: d.States,
		pool: d.Pool, feed: d.Feed, recent: d.Recent, filters: newFilters(d.Limits), progress: d.Progress,
		newEVM: d.NewEVM, blocks: d.Blocks, cut: d.Disconnect, turn: d.Turn, limits: d.Limits, log: d.Log,
		calls: rpc.NewPlaces(d.Limits.HeavyCalls, "calls", d.Stopped), scans: rpc.NewPlaces(d.Limits.LogScans, "calls", d.Stopped),
		waits: make(chan struct{}, d.Limits.SyncSends), extent: d.Extent, origin: d.Origin,
		subs: d.Seats,
	}, nil
}

// signerAt returns the signer of the rules at a block: it finds senders.
func (a *API) signerAt(h *types.Header) types.Signer {
	return types.MakeSigner(a.cfg, h.Number, h.Time)
}

// heavy does work that executes on the state after a block, in one of the places for
// it and for at most CallTimeout. The state is pinned while it runs.
func heavy[T any](ctx context.Context, a *API, at *gethrpc.BlockNumberOrHash, do func(context.Context, *View, *types.Header) (T, error)) (T, error) {
	limited, cancel := context.WithTimeout(ctx, a.limits.CallTimeout)
	defer cancel()
	return rpc.Work(limited, a.turn, a.calls, func() (none T, err error) {
		v, header, err := a.view(at)
		if err != nil {
			return none, err
		}
		defer v.Close()
		return do(limited, v, header)
	})
}
