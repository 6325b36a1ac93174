package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/node/config"
	"github.com/quorate/quorate/registry"
	"github.com/quorate/quorate/rpc"
	rpcpbft "github.com/quorate/quorate/rpc/pbft"
	"github.com/quorate/quorate/rpc/stream"
)

// Offline is the chain of a node that does not run.
type Offline struct {
	Chain   *chain.Chain
	Objects stream.Objects // as GET /v1/blocks shows them

	node *Node
}

// OpenOffline opens the data directory of a node that does not run, without its keys.
// Only whoever creates makes a chain where there is none. The caller closes it.
func OpenOffline(ctx context.Context, cfg *config.Config, log *slog.Logger, create bool) (*Offline, error) {
	if !create && isEmpty(cfg.DataDir) {
		return nil, fmt.Errorf("%s holds no chain: %w", cfg.DataDir, os.ErrNotExist)
	}
	g, err := genesis.Load(cfg.GenesisFile)
	if err != nil {
		return nil, err
	}
	n := &Node{cfg: cfg, log: log, genesis: g, reg: registry.New(g)}
	if err := n.openChain(Options{}); err != nil {
		return nil, errors.Join(err, n.close())
	}
	if err := n.catchUpIndexes(ctx); err != nil || ctx.Err() != nil {
		return nil, errors.Join(err, ctx.Err(), n.close())
	}
	return &Offline{n.chain, stream.Objects{Chain: n.chain, Certificates: shelved{n.chain}, Signer: n.chain.Signer()}, n}, nil
}

// Close closes the data directory.
func (o *Offline) Close() error { return o.node.close() }

// shelved shows certificates out of the chain alone.
type shelved struct{ c *chain.Chain }

// CommitCertificate implements stream.Certificates.
func (s shelved) CommitCertificate(number rpc.Number) (*rpcpbft.Certificate, error) {
	sealed, err := certificates{s.c}.Sealed(uint64(number))
	if err != nil || sealed.Certificate == nil {
		return nil, err
	}
	epoch, err := s.c.Epoch(sealed.Certificate.Epoch)
	if err != nil {
		return nil, err
	}
	return rpcpbft.Show(uint64(number), sealed, epoch.Set.Addresses())
}
