package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/cockroachdb/pebble/v2/vfs"
	gethlog "github.com/ethereum/go-ethereum/log"
	"github.com/libp2p/go-libp2p"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/quorate/quorate/blocksync"
	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/consensus/engine"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/index"
	"github.com/quorate/quorate/node/admin"
	"github.com/quorate/quorate/node/config"
	"github.com/quorate/quorate/p2p"
	"github.com/quorate/quorate/recovery"
	"github.com/quorate/quorate/registry"
	"github.com/quorate/quorate/rpc"
	rpceth "github.com/quorate/quorate/rpc/eth"
	"github.com/quorate/quorate/rpc/stream"
	"github.com/quorate/quorate/state"
	"github.com/quorate/quorate/statesync"
	"github.com/quorate/quorate/store"
	"github.com/quorate/quorate/txpool"
)

// Version is set by the build.
var Version = "dev"

// Options are what tests of whole nodes change. The zero value is a real node.
type Options struct {
	FS        vfs.FS            // nil: the disk
	Transport []libp2p.Option   // nil: TCP
	Headless  bool              // no JSON-RPC and admin servers
	OnFatal   func(error)       // of the database; nil ends the process
	Tap       func(data []byte) // sees every consensus message just before it leaves; nil: nobody looks
}

// Node is one built node. Build starts nothing.
type Node struct {
	cfg     *config.Config
	log     *slog.Logger
	genesis *genesis.Genesis
	reg     *registry.Registry
	keys    *keyring
	metrics *prometheus.Registry
	adopts  *recovery.Document // that is being applied to this node, which does not run; nil otherwise

	db        *store.DB
	state     *state.State
	chain     *chain.Chain
	logs      *index.Logs
	addresses *index.Addresses // nil: off
	tokens    *index.Tokens    // nil: off
	pool      *txpool.Pool
	host      *p2p.Host
	engine    *engine.Engine // nil for an observer
	sync      *blocksync.Syncer
	follower  *blocksync.Follower // for whoever has no vote in the present epoch
	ledger    *ledger
	shelf     *statesync.Shelf // snapshots that are served
	snapshots *statesync.Client
	members   *membership

	rpc    *rpc.Server
	recent *rpceth.Recent // nil without servers, like them
	doors  *stream.Doors
	admin  *admin.Server

	operator Operator
}

// Run builds and runs a node until ctx ends or a part fails. The process is the
// node's: its garbage collector is set for it.
func Run(ctx context.Context, cfg *config.Config, log *slog.Logger, o Operator) error {
	n, err := Build(cfg, log, Options{})
	if err != nil {
		return err
	}
	if n.operator = o; o.Opened != nil {
		if err := o.Opened(); err != nil {
			return errors.Join(err, n.close())
		}
	}
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(cfg.Plan().GoLimit)
	return n.Run(ctx)
}

// Build opens the data directory and connects all parts. On an error nothing
// stays open.
func Build(cfg *config.Config, log *slog.Logger, o Options) (*Node, error) {
	n := &Node{cfg: cfg, log: log, metrics: prometheus.NewRegistry()}
	n.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	steps := []func(Options) error{n.openKeys, n.openChain, n.checkForks, n.buildPool, n.buildNetwork, n.buildConsensus, n.buildMetrics, n.buildServers}
	for _, step := range steps {
		if err := step(o); err != nil {
			return nil, errors.Join(err, n.close())
		}
	}
	return n, nil
}

// openKeys reads the genesis document and the keys that belong to it. Where there is
// no chain yet that could know them they must be in the document: a data directory
// that begins with a wrong one would refuse the right one ever after.
func (n *Node) openKeys(o Options) error {
	g, err := genesis.Load(n.cfg.GenesisFile)
	if err != nil {
		return err
	}
	n.genesis, n.reg = g, registry.New(g)
	if n.keys, err = loadKeys(n.cfg, n.log.With("part", "keys")); err != nil {
		return err
	}
	if _, known := n.reg.ByNode(n.keys.nodeID); !known && !n.cfg.Join && !n.named(n.adopts) && o.FS == nil && isEmpty(n.cfg.DataDir) {
		return n.unknownKey()
	}
	return nil
}

// isEmpty reports whether a directory is not there or holds nothing.
func isEmpty(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err != nil && errors.Is(err, os.ErrNotExist) || err == nil && len(entries) == 0
}

// openChain opens database, state and chain, and refuses another genesis.
func (n *Node) openChain(o Options) error {
	if o.FS == nil {
		if err := os.MkdirAll(n.cfg.DataDir, 0o700); err != nil {
			return fmt.Errorf("data directory: %w", err)
		}
	}
	plan := n.cfg.Plan()
	var err error
	n.db, err = store.Open(n.cfg.DataDir, store.Options{
		FS: o.FS, CacheBytes: plan.BlockCache, MemTableBytes: plan.MemTables / 2, Logger: n.log.With("part", "store"), OnFatal: o.OnFatal,
	})
	if err != nil {
		return err
	}
	n.state, err = state.Open(n.db, state.Config{
		Chain: n.genesis.ChainConfig(), History: n.cfg.History, Proofs: n.cfg.Proofs == config.ProofsArchive,
		CacheBytes: plan.StateCaches, Logger: n.log.With("part", "state"),
	})
	if err != nil {
		return err
	}
	indexers := n.makeIndexes()
	n.chain, err = chain.Open(n.db, n.genesis, n.state, chain.Options{
		Indexers: indexers, Logger: n.log.With("part", "chain"), Checkpoint: n.cfg.Checkpoint,
	})
	return err
}

// gcPercent trades memory for CPU: at 400 a transfer costs a third less, and
// the memory limit pulls it down before the process grows too large.
const gcPercent = 400

// Run starts the parts in order and stops them in reverse.
func (n *Node) Run(ctx context.Context) error {
	bridgeGethLogs(n.log)
	if err := n.catchUpIndexes(ctx); err != nil || ctx.Err() != nil {
		return errors.Join(err, n.close())
	}
	parts := []part{
		{name: "store", run: n.db.Run},
		{name: "p2p", run: n.host.Run, ready: n.host.Ready()},
		{name: "txpool", run: n.pool.Run},
	}
	if n.engine != nil {
		parts = append(parts, part{name: "consensus", run: n.engine.Run})
	}
	parts = append(parts,
		part{name: "blocksync", run: n.follower.Run},
		part{name: "members", run: n.runMembership},
		part{name: "forks", run: n.watchForks},
		part{name: "snapshots", run: n.shelf.Run},
		part{name: "attestation", run: n.attest},
		part{name: "announcements", run: n.announce})
	if n.rpc != nil {
		parts = append(parts,
			part{name: "admin", run: n.admin.Run, ready: n.admin.Ready()},
			part{name: "pending transactions", run: n.recent.Run},
			part{name: "blocks for streams", run: n.doors.Run},
			part{name: "rpc", run: n.rpc.Run, ready: n.rpc.Ready()})
	}
	parts = append(parts, part{name: "reload", run: n.runReload})
	n.greet()
	err := runParts(ctx, parts, func() {
		n.log.Info("running", "name", n.cfg.Name, "chain", n.genesis.ChainID, "genesis", n.chain.Genesis(), "head", n.chain.Head().Number, "id", n.host.ID())
	})
	n.log.Info("stopped", "head", n.chain.Head().Number)
	return errors.Join(err, n.close())
}

// bridgeGethLogs gives go-ethereum's global logger our handler, for errors
// only: its RPC server warns of every call that fails by a client's fault.
func bridgeGethLogs(log *slog.Logger) {
	gethlog.SetDefault(gethlog.NewLogger(onlyErrors{log.With("part", "geth").Handler()}))
}

// onlyErrors is a handler without the levels below error.
type onlyErrors struct{ slog.Handler }

func (h onlyErrors) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelError && h.Handler.Enabled(ctx, l)
}

func (h onlyErrors) WithAttrs(a []slog.Attr) slog.Handler { return onlyErrors{h.Handler.WithAttrs(a)} }

func (h onlyErrors) WithGroup(name string) slog.Handler { return onlyErrors{h.Handler.WithGroup(name)} }

// greet says once what an operator should know.
func (n *Node) greet() {
	set := n.chain.CurrentEpoch().Set
	if n.keys.signer != nil && set.F() == 0 {
		n.log.Warn("this network bears no faulty validator", "validators", set.Len(), "needed", 4)
	}
	if n.rpc != nil && !config.Local(n.cfg.RPC.Addr) && len(n.cfg.Access.TokenKeys) > 0 && n.cfg.Access.TLSCert == "" {
		n.log.Warn("tokens for JSON-RPC cross the network readable: set rpc.tls.cert and rpc.tls.key, or let only a proxy with TLS reach the port", "addr", n.cfg.RPC)
	}
}

func (n *Node) close() error {
	var errs []error
	if n.state != nil {
		n.state.Close()
	}
	if n.db != nil {
		errs = append(errs, n.db.Close())
	}
	return errors.Join(errs...)
}
