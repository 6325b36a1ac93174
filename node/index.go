package node

import (
	"context"
	"errors"
	"log/slog"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/index"
	"github.com/quorate/quorate/rpc/ots"
)

// makeIndexes makes the indexes that are switched on, as the chain's indexers.
func (n *Node) makeIndexes() []chain.Indexer {
	n.logs = index.NewLogs(n.db)
	out := []chain.Indexer{n.logs}
	if n.cfg.Index.Addresses {
		n.addresses = index.NewAddresses(n.db, types.LatestSigner(n.genesis.ChainConfig()))
		out = append(out, n.addresses)
	}
	if n.cfg.Index.Tokens {
		n.tokens = index.NewTokens(n.db)
		out = append(out, n.tokens)
	}
	return out
}

// built is an index that can be built afterwards.
type built interface {
	Indexed() (uint64, error)
	Rebuilding() (bool, error)
	Forget() error
	Build(ctx context.Context, from index.Source, head uint64, report func(last uint64)) error
}

// caughtUp is an index that is built, with words in the log, before the node runs.
type caughtUp interface {
	CatchUp(ctx context.Context, from index.Source, head uint64, log *slog.Logger) error
}

// indexes are those that are switched on.
func (n *Node) indexes() []caughtUp {
	out := []caughtUp{n.logs}
	if n.addresses != nil {
		out = append(out, n.addresses)
	}
	if n.tokens != nil {
		out = append(out, n.tokens)
	}
	return out
}

// catchUpIndexes indexes the blocks that were committed without an index, since it was
// off or an older release ran. Nobody commits before it has ended.
func (n *Node) catchUpIndexes(ctx context.Context) error {
	for _, x := range n.indexes() {
		err := x.CatchUp(ctx, n.chain, n.chain.Head().Number.Uint64(), n.log.With("part", "index"))
		if errors.Is(err, context.Canceled) {
			return nil // it goes on from there at the next start
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// addressIndex is the address index in the words of rpc/ots.
type addressIndex struct {
	*index.Addresses
	chain *chain.Chain
}

// otsAddresses returns nil where the index is off.
func (n *Node) otsAddresses() ots.Addresses {
	if n.addresses == nil {
		return nil
	}
	return addressIndex{n.addresses, n.chain}
}

func (a addressIndex) head() uint64 { return a.chain.Head().Number.Uint64() }

// Whole implements rpc/ots.Addresses.
func (a addressIndex) Whole() bool { return a.chain.Origin() == 0 && a.chain.CreationsFrom() == 0 }

// Before implements rpc/ots.Addresses.
func (a addressIndex) Before(addr common.Address, block uint64, limit int) ([]ots.Place, bool, error) {
	places, more, err := a.Addresses.Before(addr, block, a.head(), limit)
	return otsPlaces(places), more, err
}

// After implements rpc/ots.Addresses.
func (a addressIndex) After(addr common.Address, block uint64, limit int) ([]ots.Place, bool, error) {
	places, more, err := a.Addresses.After(addr, block, a.head(), limit)
	return otsPlaces(places), more, err
}

// BySenderAndNonce implements rpc/ots.Addresses.
func (a addressIndex) BySenderAndNonce(sender common.Address, nonce uint64) ([]ots.Place, error) {
	places, err := a.Addresses.BySenderAndNonce(sender, nonce, a.head())
	return otsPlaces(places), err
}

// Creator implements rpc/ots.Addresses, which knows only of contracts that are there.
func (a addressIndex) Creator(contract common.Address) (ots.Place, common.Address, bool, error) {
	o, ok, err := a.Addresses.Creator(contract, a.head())
	return ots.Place(o.At), o.Creator, ok && !o.Destroyed, err
}

func otsPlaces(in []index.Place) []ots.Place {
	out := make([]ots.Place, len(in))
	for i, p := range in {
		out[i] = ots.Place(p)
	}
	return out
}
