package node

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/node/config"
	"github.com/quorate/quorate/recovery"
	"github.com/quorate/quorate/registry"
)

// recovers reports whether the next block is to write a recovery into the state, and
// so holds no transaction.
func (n *Node) recovers() bool { return n.chain.Recovered(n.chain.Head().Number.Uint64()) }

// awaited reports whether a recovery that the chain has not reached names this node.
func (n *Node) awaited() bool {
	return slices.ContainsFunc(n.chain.Recoveries(), func(x chain.Recovery) bool { return x.Waiting && n.named(x.Document) })
}

// named reports whether a recovery of this network has this node's keys.
func (n *Node) named(d *recovery.Document) bool {
	return d != nil && d.Genesis == n.genesis.Hash() && slices.ContainsFunc(d.Members, func(m recovery.Member) bool {
		return genesis.NodeIDString(m.NodeID) == n.keys.nodeID && m.Address == n.keys.address()
	})
}

// stopped opens the chain of a node that does not run, with its keys, for an act of
// its operator. adopts may be nil.
func stopped(cfg *config.Config, log *slog.Logger, o Options, adopts *recovery.Document, do func(*Node) error) (err error) {
	n := &Node{cfg: cfg, log: log, metrics: prometheus.NewRegistry(), adopts: adopts}
	defer func() { err = errors.Join(err, n.close()) }()
	for _, open := range []func(Options) error{n.openKeys, n.openChain} {
		if err := open(o); err != nil {
			return err
		}
	}
	return do(n)
}

// Keep is a present member of a network that is to be recovered.
type Keep struct {
	registry.Member
	Endpoint string // as the contract or the genesis has it
}

// ProposeRecovery returns the document that ends the present epoch with the head of a
// stopped node, unsigned and without members, and the validators of that epoch, of
// whom members are chosen.
func ProposeRecovery(cfg *config.Config, log *slog.Logger, o Options) (d *recovery.Document, present []Keep, err error) {
	err = stopped(cfg, log, o, nil, func(n *Node) error {
		if !n.genesis.Recovery.Allowed() {
			return recovery.ErrNotAllowed
		}
		head, now := n.chain.HeadSealed(), n.chain.CurrentEpoch()
		if head.BatchHeader == nil {
			return errors.New("this node has no block: a network without blocks is made anew, with another genesis")
		}
		d = &recovery.Document{
			Genesis: n.chain.Genesis(), Ends: now.Epoch, Number: head.BatchHeader.Seq, BlockHash: head.Hash(), StateRoot: head.Header.Root, Params: now.Params.Hash(),
		}
		present, err = n.present(now)
		return err
	})
	return d, present, err
}

// present returns the validators of an epoch, with what they say of themselves in the
// state of the head.
func (n *Node) present(now *registry.Epoch) (out []Keep, err error) {
	v, err := n.chain.StateAtHead()
	if err != nil {
		return nil, err
	}
	said, err := registry.ReadValidators(v.StateDB.GetState)
	if err = errors.Join(err, v.StateDB.Error(), v.Close()); err != nil {
		return nil, fmt.Errorf("members in the state: %w", err)
	}
	for _, m := range now.Members {
		k := Keep{Member: m}
		if len(m.Addresses) > 0 {
			k.Endpoint = m.Addresses[0]
		}
		if i := slices.IndexFunc(said.Members, func(x registry.ValidatorInfo) bool { return x.Address == m.Validator }); i >= 0 {
			k.Name, k.Endpoint = cmp.Or(said.Members[i].Name, k.Name), cmp.Or(said.Members[i].Endpoint, k.Endpoint)
		}
		out = append(out, k)
	}
	return out, nil
}

// ErrRefused is a recovery that holds by itself and that this node refuses: it would
// take final blocks away, is of another chain, or contradicts one that is here.
var ErrRefused = errors.New("this node refuses the recovery")

// refusal marks what is no fault of this node.
func refusal(err error) error {
	var both *recovery.Contradiction
	if errors.Is(err, chain.ErrBeyond) || errors.Is(err, registry.ErrRecovery) || errors.As(err, &both) {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}

// Applied says what a recovery has done to a node, or would do.
type Applied struct {
	Held    bool   // it was there already
	Waits   bool   // the chain of the node is below its block
	Head    uint64 // of the node
	Becomes bool   // the node validates in the epoch that it opens
}

// ApplyRecovery makes a recovery durable in the data directory of a stopped node, or
// with dry only tells what would happen. It refuses what package chain refuses.
func ApplyRecovery(cfg *config.Config, log *slog.Logger, o Options, d *recovery.Document, dry bool) (out Applied, err error) {
	err = stopped(cfg, log, o, d, func(n *Node) error {
		if out.Held, err = n.chain.CheckRecovery(d); err != nil {
			return refusal(err)
		}
		out.Head = n.chain.Head().Number.Uint64()
		out.Waits = out.Head < uint64(d.Number)
		_, out.Becomes = d.Set().Index(n.keys.address())
		if dry || out.Held {
			return nil
		}
		if err := n.chain.Recover(d); err != nil {
			return fmt.Errorf("recovery: %w", err)
		}
		return nil
	})
	return out, err
}
