package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/p2p"
	"github.com/quorate/quorate/registry"
	"github.com/quorate/quorate/txpool"
)

// This file makes what the chain says of its members true in the network: who may
// connect, with which role, and which node is which validator. Validators change
// with the epoch, everybody else with any block.

// directory is who belongs to the network at one head. It is immutable.
type directory struct {
	epoch      consensus.Epoch
	list       []registry.Member
	nodes      map[common.Address]peer.ID
	validators map[peer.ID]common.Address
	names      map[common.Address]string
}

func newDirectory(e *registry.Epoch, list []registry.Member) *directory {
	d := &directory{
		epoch: e.Epoch, list: list,
		nodes: map[common.Address]peer.ID{}, validators: map[peer.ID]common.Address{}, names: map[common.Address]string{},
	}
	for _, m := range list {
		id, err := peer.Decode(m.NodeID)
		if err != nil || m.Observer {
			continue // a checked genesis and the contracts have valid ids
		}
		if _, moved := d.nodes[m.Validator]; moved {
			continue // it validates on another node now
		}
		d.nodes[m.Validator], d.validators[id], d.names[m.Validator] = id, m.Validator, m.Name
	}
	return d
}

func (d *directory) node(v common.Address) (peer.ID, bool) {
	id, ok := d.nodes[v]
	return id, ok
}

// validator returns zero for an observer.
func (d *directory) validator(id peer.ID) common.Address { return d.validators[id] }

func (d *directory) name(v common.Address) string { return d.names[v] }

// byNode returns the member with a node id.
func (d *directory) byNode(id string) (registry.Member, bool) {
	i := slices.IndexFunc(d.list, func(m registry.Member) bool { return m.NodeID == id })
	if i < 0 {
		return registry.Member{}, false
	}
	return d.list[i], true
}

// membership follows the chain. It is safe for concurrent use.
type membership struct {
	chain *chain.Chain
	reg   *registry.Registry
	now   atomic.Pointer[directory]
	wake  chan struct{} // the directory is another one

	mu   sync.Mutex
	seen chain.MembersVersion
	gone leavers
}

func newMembership(c *chain.Chain, reg *registry.Registry) (*membership, error) {
	m := &membership{chain: c, reg: reg, wake: make(chan struct{}, 1)}
	return m, m.refresh()
}

func (m *membership) directory() *directory { return m.now.Load() }

// noticed looks whether the newest block has changed who belongs here.
func (m *membership) noticed() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.chain.MembersVersion() == m.seen {
		return nil
	}
	return m.refresh()
}

// partFromLeavers takes those whose grace is over from the list.
func (m *membership) partFromLeavers() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.refresh()
}

// nobodyParts is how long a timer waits that has nothing to wait for; every change of the
// directory sets it anew.
const nobodyParts = 24 * time.Hour

// untilParting returns how long until the next leaver's grace is over.
func (m *membership) untilParting() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if at, ok := m.gone.next(); ok {
		return time.Until(at)
	}
	return nobodyParts
}

// refresh reads the members at the head. Who has left not long ago still belongs to
// them.
func (m *membership) refresh() error {
	seen, e := m.chain.MembersVersion(), m.chain.CurrentEpoch()
	if err := m.part(e); err != nil {
		return err
	}
	list := slices.Concat(e.Members, m.gone.members())
	add := func(others []registry.Member) {
		for _, o := range absent(others, list) {
			o.Observer = true // it validates from the next epoch on
			list = append(list, o)
		}
	}
	v, err := m.chain.StateAtHead()
	if err != nil {
		return err
	}
	here, err := m.reg.In(v.StateDB.GetState)
	if err = errors.Join(err, v.StateDB.Error(), v.Close()); err != nil {
		return fmt.Errorf("members in the state: %w", err)
	}
	add(here.Members())
	for _, x := range m.chain.Recoveries() {
		if x.Waiting {
			add(m.reg.Guests(x.Document))
		}
	}
	m.seen = seen
	m.now.Store(newDirectory(e, list))
	select {
	case m.wake <- struct{}{}:
	default:
	}
	return nil
}

// part notes which validators have left with the epoch before, and forgets those whose
// grace is over.
func (m *membership) part(e *registry.Epoch) error {
	var before []registry.Member
	if e.Epoch > 0 {
		last, err := m.chain.Epoch(e.Epoch - 1)
		if err != nil {
			return err
		}
		before = last.Members
	}
	m.gone.part(e.Epoch, before, e.Members, time.Now())
	return nil
}

// absent returns the members of a list whose nodes are known and not of another.
// Those before a snapshot have no known nodes: they have left long ago.
func absent(list, others []registry.Member) (out []registry.Member) {
	for _, o := range list {
		if o.NodeID != "" && !slices.ContainsFunc(others, func(x registry.Member) bool { return x.NodeID == o.NodeID }) {
			out = append(out, o)
		}
	}
	return out
}

// runMembership tells the network of every change until ctx ends, and parts from
// those who have left.
func (n *Node) runMembership(ctx context.Context) error {
	grace := time.NewTimer(n.members.untilParting())
	defer grace.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-grace.C:
			if err := n.members.partFromLeavers(); err != nil { // which wakes
				return err
			}
		case <-n.members.wake:
			grace.Reset(n.members.untilParting())
			n.warnForks()
			if err := n.applyMembers(n.members.directory()); err != nil {
				n.log.Error("the members that the chain names cannot all be let in", "err", err)
			}
		}
	}
}

// applyMembers gives the host the allow-list.
func (n *Node) applyMembers(d *directory) error {
	list, err := n.peerList(d)
	if err != nil {
		return err
	}
	return n.host.SetMembers(list)
}

// peerList is the allow-list, with the addresses that the configuration gives in
// the place of those of the chain.
func (n *Node) peerList(d *directory) ([]p2p.Member, error) {
	override := map[string][]string{}
	for _, p := range n.cfg.P2P.Peers {
		override[p.NodeID] = append(override[p.NodeID], p.Address)
	}
	var out []p2p.Member
	for _, m := range d.list {
		id, err := peer.Decode(m.NodeID)
		if err != nil {
			return nil, fmt.Errorf("node id %s: %w", m.NodeID, err)
		}
		pm := p2p.Member{ID: id, Role: p2p.RoleValidator, Validator: m.Validator, Name: cmp.Or(m.Name, m.NodeID), Addresses: m.Addresses}
		if m.Observer {
			pm.Role, pm.Validator = p2p.RoleObserver, common.Address{}
		}
		if a := override[m.NodeID]; len(a) > 0 {
			pm.Addresses = a
		}
		out = append(out, pm)
	}
	return append(out, n.bootstrap(d)...), nil
}

// bootstrap is where a node that joins asks first although its chain does not know
// them yet: the members may all be others than those of genesis. Once it validates,
// the chain alone says who may connect.
func (n *Node) bootstrap(d *directory) (out []p2p.Member) {
	if !n.cfg.Join || n.votes() {
		return nil
	}
	for _, p := range n.cfg.P2P.Peers {
		id, err := peer.Decode(p.NodeID)
		known := slices.ContainsFunc(out, func(m p2p.Member) bool { return m.ID == id })
		if _, listed := d.byNode(p.NodeID); err != nil || listed || known || p.NodeID == n.keys.nodeID {
			continue
		}
		out = append(out, p2p.Member{ID: id, Role: p2p.RoleObserver, Name: p.NodeID, Addresses: []string{p.Address}})
	}
	return out
}

func peerID(p txpool.Peer) peer.ID { return peer.ID(p) }
