package node

import (
	"context"
	"errors"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/light"
	"github.com/quorate/quorate/registry"
	"github.com/quorate/quorate/rpc"
	rpcpbft "github.com/quorate/quorate/rpc/pbft"
)

// This file shows to RPC what the engine has seen. A node without a vote has no
// engine, and has seen nothing.

// pbftDeps are what the pbft_ methods work on.
func (n *Node) pbftDeps(l rpc.Limits) rpcpbft.Deps {
	return rpcpbft.Deps{
		Genesis: n.genesis.Hash(), Birth: n.genesis.Canonical(), Reporter: n, Chain: certificates{n.chain}, Transactions: n.chain, Members: epochs{n}, History: history{n}, Witness: witness{n},
		Forks: n.chain.UnknownForks, Limits: l, Log: n.log.With("part", "rpc"),
	}
}

// history implements rpc/pbft.History.
type history struct{ n *Node }

// StableCheckpoint implements rpc/pbft.History.
func (h history) StableCheckpoint() (*consensus.CheckpointCertificate, error) {
	if h.n.engine == nil {
		return h.n.chain.Checkpoint(), nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), reportTimeout)
	defer cancel()
	return h.n.engine.StableCheckpoint(ctx)
}

// ViewChanges implements rpc/pbft.History.
func (h history) ViewChanges() []consensus.ViewChangeSeen {
	if h.n.engine == nil {
		return nil
	}
	return h.n.engine.ViewChanges()
}

// Phases implements rpc/pbft.History.
func (h history) Phases(seq consensus.Seq) (consensus.BlockPhases, bool) {
	if h.n.engine == nil {
		return consensus.BlockPhases{}, false
	}
	return h.n.engine.Phases(seq)
}

// Participation implements rpc/pbft.History.
func (h history) Participation(from, to consensus.Seq) []consensus.BlockVotes {
	if h.n.engine == nil {
		return nil
	}
	return h.n.engine.Participation(from, to)
}

// errNoReplica is what an observer answers to who wants to watch its replica.
var errNoReplica = errors.New("this node is an observer: it takes no part in the protocol, so there is nothing to watch")

// Watch implements rpc/pbft.History.
func (h history) Watch(buffer int) (rpcpbft.Events, error) {
	if h.n.engine == nil {
		return nil, errNoReplica
	}
	return h.n.engine.Watch(buffer), nil
}

// witness implements rpc/pbft.Witness. It is the one place where RPC gets its
// evidence from.
type witness struct{ n *Node }

// Evidence implements rpc/pbft.Witness.
func (w witness) Evidence() (first uint64, list []consensus.Evidence, err error) {
	if w.n.engine == nil {
		return 0, nil, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), reportTimeout)
	defer cancel()
	return w.n.engine.Evidence(ctx)
}

// epochs implements rpc/pbft.Members.
type epochs struct{ n *Node }

// Epoch implements rpc/pbft.Members.
func (x epochs) Epoch(e consensus.Epoch) (*consensus.EpochRules, error) {
	return rulesOf(x.n.chain.Epoch(e))
}

// EpochOf implements rpc/pbft.Members.
func (x epochs) EpochOf(number uint64) (*consensus.EpochRules, error) {
	return rulesOf(x.n.chain.EpochOf(number))
}

func rulesOf(e *registry.Epoch, err error) (*consensus.EpochRules, error) {
	if errors.Is(err, chain.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return e.EpochRules, nil
}

// Links implements rpc/pbft.Members.
func (x epochs) Links(e consensus.Epoch) ([]light.Link, error) {
	changes, err := x.n.chain.Links(e)
	if err != nil {
		return nil, err
	}
	out := make([]light.Link, len(changes))
	for i, c := range changes {
		if c.Recovery != nil {
			out[i] = light.NewRecoveryLink(c.Recovery, x.n.genesis.Recovery)
			continue
		}
		out[i] = light.NewLink(c.Certificate, c.Next)
	}
	return out, nil
}

// Recoveries implements rpc/pbft.Members.
func (x epochs) Recoveries() []chain.Recovery { return x.n.chain.Recoveries() }

// Name implements rpc/pbft.Members.
func (x epochs) Name(a common.Address) string { return x.n.members.directory().name(a) }
