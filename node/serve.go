package node

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/explorer"
	"github.com/quorate/quorate/node/admin"
	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/discover"
	rpceth "github.com/quorate/quorate/rpc/eth"
	rpcindex "github.com/quorate/quorate/rpc/index"
	rpcnet "github.com/quorate/quorate/rpc/net"
	rpcots "github.com/quorate/quorate/rpc/ots"
	rpcpbft "github.com/quorate/quorate/rpc/pbft"
	"github.com/quorate/quorate/rpc/stream"
	rpctxpool "github.com/quorate/quorate/rpc/txpool"
	"github.com/quorate/quorate/state"
	"github.com/quorate/quorate/txpool"
)

// buildServers makes the JSON-RPC and the admin server.
func (n *Node) buildServers(o Options) error {
	if o.Headless {
		return nil
	}
	cfg := rpc.DefaultConfig()
	cfg.Address, cfg.Port = n.cfg.RPC.Addr, int(n.cfg.RPC.Port)
	cfg.Hosts, cfg.CORSOrigins, cfg.WSOrigins = n.cfg.Web.Hosts, n.cfg.Web.CORSOrigins, n.cfg.Web.WSOrigins
	cfg.Signer, cfg.Access, cfg.Limits = n.chain.Signer(), n.cfg.Access, n.cfg.Limits
	var err error
	if n.rpc, err = rpc.New(cfg, n.log.With("part", "rpc")); err != nil {
		return err
	}
	seats := rpc.NewSeats(cfg.Limits)
	n.recent = rpceth.NewRecent(arrivals{n.pool}, cfg.Limits)
	eth, err := rpceth.New(rpceth.Deps{
		Config: n.genesis.ChainConfig(), Chain: n.chain, Index: n.chain, Logs: n.logs, States: states{n.state}, Pool: n.pool, NewEVM: n.state.NewEVM, Extent: n.state.Extent, Origin: n.chain.Origin,
		Feed: feed{n.chain}, Recent: n.recent, Progress: n, Disconnect: n.rpc.Disconnect, Turn: n.rpc.Heavy, Stopped: n.rpc.Stopped(), Seats: seats, Limits: cfg.Limits, Log: n.log.With("part", "rpc"),
	})
	if err != nil {
		return err
	}
	deps := n.pbftDeps(cfg.Limits)
	deps.Disconnect, deps.Seats = n.rpc.Disconnect, seats
	pbft, err := rpcpbft.New(deps)
	if err != nil {
		return err
	}
	debug, ots, err := n.tracing(cfg.Limits)
	if err != nil {
		return err
	}
	txpool, err := rpctxpool.New(n.pool, n.chain, n.chain.Signer(), cfg.Limits)
	if err != nil {
		return err
	}
	indexes, err := rpcindex.New(rpcindex.Deps{Chain: n.chain, Signer: n.chain.Signer(), Addresses: n.addresses, Tokens: n.tokens})
	if err != nil {
		return err
	}
	description, err := discover.New(Version)
	if err != nil {
		return err
	}
	for namespace, api := range map[string]any{
		"eth":    eth,
		"net":    rpcnet.New(n.genesis.ChainID, func() int { return len(n.host.Peers()) }),
		"web3":   rpcnet.NewWeb3(Version),
		"pbft":   pbft,
		"txpool": txpool,
		"debug":  debug,
		"index":  indexes,
		"ots":    ots,
		"erigon": rpcots.NewErigon(ots),
		"rpc":    description,
	} {
		if err := n.rpc.Register(namespace, api); err != nil {
			return err
		}
	}
	if err := n.rpc.Register("eth", rpceth.NewSubscriptions(eth)); err != nil {
		return err
	}
	if err := n.buildDoors(pbft, seats, cfg.Limits); err != nil {
		return err
	}
	n.admin, err = admin.New(admin.Config{Address: n.cfg.Admin.Addr, Port: int(n.cfg.Admin.Port)}, n, n.metrics, n.log.With("part", "admin"))
	return err
}

// mountExplorer serves the web explorer, and shows a browser that comes to the port the
// way there.
func (n *Node) mountExplorer() error {
	if !n.cfg.Explores() {
		return nil
	}
	pages, err := explorer.New()
	if err != nil {
		return err
	}
	n.rpc.Mount("/explorer", "", pages)
	n.rpc.Mount(explorer.Path, "", pages)
	n.rpc.Mount("GET /{$}", "", http.HandlerFunc(explorer.Front))
	return nil
}

// buildDoors makes the doors for whole blocks: paths beside JSON-RPC, and a subscription
// in it; and the web explorer, which lives on them.
func (n *Node) buildDoors(certificates *rpcpbft.API, seats *rpc.Seats, l rpc.Limits) (err error) {
	n.doors, err = stream.New(stream.Deps{
		Chain: n.chain, Feed: n.chain, Certificates: certificates, Signer: n.chain.Signer(), Turn: n.rpc.Heavy,
		Disconnect: n.rpc.Disconnect, Verbatim: n.rpc.Verbatim, Stopped: n.rpc.Stopped(), Seats: seats, Limits: l, Log: n.log.With("part", "rpc"),
	})
	if err != nil {
		return err
	}
	n.rpc.Mount("/v1/blocks", "v1_blocks", n.doors.Range())
	n.rpc.Mount("/v1/stream", "v1_stream", n.doors.Live())
	return errors.Join(n.rpc.Register("pbft", stream.NewSubscriptions(n.doors)), n.mountExplorer())
}

// states opens views of the world state.
type states struct{ s *state.State }

func wrapView(v *state.View, err error) (*rpceth.View, error) {
	if err != nil {
		return nil, err
	}
	return &rpceth.View{Number: v.Number, StateDB: v.StateDB, Release: func() { _ = v.Close() }}, nil
}

func (s states) At(number uint64) (*rpceth.View, error) { return wrapView(s.s.At(number)) }

// feed tells subscribers of final blocks.
type feed struct{ c *chain.Chain }

func (f feed) Subscribe(buffer int) rpceth.Events { return events{f.c.Subscribe(buffer)} }

type events struct{ *chain.Subscription }

// Next implements rpc/eth.Events.
func (e events) Next(ctx context.Context) (*types.Block, types.Receipts, error) {
	select {
	case ev, ok := <-e.C():
		if !ok {
			return nil, nil, fmt.Errorf("subscription closed: %w", e.Err())
		}
		return ev.Block, ev.Receipts, nil
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}

// arrivals tells subscribers of pending transactions.
type arrivals struct{ *txpool.Pool }

func (p arrivals) SubscribeNew(buffer int) rpceth.Arrivals { return p.Pool.SubscribeNew(buffer) }

// certificates reads what proves blocks.
type certificates struct{ *chain.Chain }

// Sealed implements rpc/pbft.Certificates.
func (c certificates) Sealed(number uint64) (*rpcpbft.Sealed, error) {
	s, err := c.Chain.Sealed(number)
	if err != nil {
		return nil, err
	}
	return &rpcpbft.Sealed{Header: s.Header, BatchHeader: s.BatchHeader, Certificate: s.Certificate}, nil
}

// reportTimeout bounds how long a report waits for the engine's goroutine,
// which is busy for milliseconds at most.
const reportTimeout = 2 * time.Second

// Report implements rpc/pbft.Reporter. An observer reports what it follows.
func (n *Node) Report() consensus.Report {
	r := n.observed()
	if n.engine != nil {
		ctx, cancel := context.WithTimeout(context.Background(), reportTimeout)
		defer cancel()
		own, err := n.engine.Report(ctx)
		if err != nil {
			r.Mode, r.Line = consensus.Starting, "the replica does not answer: "+err.Error()
		} else {
			r = own
		}
	}
	n.withSnapshot(&r)
	connected := map[common.Address]bool{n.keys.address(): true}
	for _, p := range n.host.Peers() {
		connected[n.members.directory().validator(p.ID)] = true
	}
	for i := range r.Validators {
		r.Validators[i].Connected = connected[r.Validators[i].Address]
	}
	return r
}

// observed is the report of a node without a replica.
func (n *Node) observed() consensus.Report {
	e, head := n.chain.CurrentEpoch(), consensus.Seq(n.chain.Head().Number.Uint64())
	schedule := e.Schedule()
	r := consensus.Report{
		Epoch: e.Epoch, Mode: consensus.Normal, Committed: head, Stable: e.First - 1,
		WindowLow: head, WindowHigh: head, F: e.Set.F(), Quorum: e.Set.Quorum(),
		Primary: e.Set.Address(schedule.Primary(0, head+1)), Line: fmt.Sprintf("observer e%d n=%d", e.Epoch, head),
	}
	if _, _, _, behind := n.Syncing(); behind {
		r.Mode = consensus.Syncing
	}
	for i, a := range e.Set.Addresses() {
		r.Validators = append(r.Validators, consensus.ValidatorReport{Address: a, Suspended: schedule.Suspended(i)})
	}
	return r
}
