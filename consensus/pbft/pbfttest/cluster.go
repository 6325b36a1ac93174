package pbfttest

import (
	"math/rand/v2"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// Packet is a message on its way.
type Packet struct {
	From, To int
	Message  pbft.Message
}

// Cluster is n nodes and the network between them.
type Cluster struct {
	Params  consensus.Params
	Set     *consensus.ValidatorSet
	Nodes   []*Node
	Network []Packet
	Cut     map[[2]int]bool // directed links that lose everything
	NowMs   uint64
	// Lazy ledgers and block syncs work only when they are told to.
	Lazy bool
	// Rejections counts what replicas refused, by reason.
	Rejections map[string]int
	Evidence   int
	Happened   map[string]int // what replicas did
	checks     checker
	rng        *rand.Rand // of the schedule; nil in scripts
}

// Genesis is the digest before the first batch of every cluster.
var Genesis = crypto.Keccak256Hash([]byte("pbfttest genesis"))

// NewCluster starts n nodes. Addresses ascend with the index.
func NewCluster(n int, params consensus.Params) (*Cluster, error) {
	var addresses []common.Address
	for i := range n {
		addresses = append(addresses, common.BytesToAddress([]byte{0xa0, byte(i + 1)}))
	}
	set, err := consensus.NewValidatorSet(addresses)
	if err != nil {
		return nil, err
	}
	c := &Cluster{Params: params, Set: set, Cut: map[[2]int]bool{}, NowMs: 1_000_000, Rejections: map[string]int{}, Happened: map[string]int{}}
	c.checks.init()
	for i := range n {
		n := &Node{cluster: c, index: i, journal: map[journalKey]pbft.Record{}, voted: pbft.Voted{Known: true}}
		n.ledger = ledger{node: n, final: map[common.Hash]bool{}}
		c.Nodes = append(c.Nodes, n)
	}
	for i := range n {
		if err := c.Restart(i); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Submit puts transactions into the pools of the nodes named, or of all.
func (c *Cluster) Submit(txs []common.Hash, at ...int) error {
	for i, n := range c.Nodes {
		if n.replica == nil || len(at) > 0 && !slices.Contains(at, i) {
			continue
		}
		n.pool = append(n.pool, txs...)
		if err := n.refreshPool(); err != nil {
			return err
		}
	}
	return nil
}

// Deliver takes the first packet that match accepts and hands it over. It
// reports whether there was one.
func (c *Cluster) Deliver(match func(Packet) bool) (bool, error) {
	i := slices.IndexFunc(c.Network, match)
	if i < 0 {
		return false, nil
	}
	p := c.Network[i]
	c.Network = slices.Delete(c.Network, i, i+1)
	if c.Cut[[2]int{p.From, p.To}] {
		return true, nil
	}
	return true, c.Nodes[p.To].receive(p.Message)
}

// reachable reports whether a can ask b for blocks.
func (c *Cluster) reachable(a, b int) bool {
	return c.Nodes[b].replica != nil && !c.Nodes[b].paused && !c.Cut[[2]int{a, b}] && !c.Cut[[2]int{b, a}]
}

// chance is true once in k times; never in a script.
func (c *Cluster) chance(k int) bool { return c.rng != nil && c.rng.IntN(k) == 0 }

// Run delivers until nothing is on its way.
func (c *Cluster) Run() error {
	for {
		more, err := c.Deliver(func(Packet) bool { return true })
		if err != nil || !more {
			return err
		}
	}
}

// Tick moves time for everybody.
func (c *Cluster) Tick(ticks uint64) error {
	c.NowMs += ticks * consensus.TickMs
	for _, n := range c.Nodes {
		n.owed += ticks
		if n.paused {
			continue
		}
		owed := n.owed
		n.owed = 0
		if err := n.step(pbft.Tick{Ticks: owed, NowMs: n.nowMs()}); err != nil {
			return err
		}
		if n.villain != nil && n.replica != nil {
			c.Network = append(c.Network, n.villain.Tick(n)...)
		}
	}
	return nil
}

// Crash forgets what node i had not journalled or committed, and what was on
// its way to it.
func (c *Cluster) Crash(i int) {
	c.Nodes[i].crash()
	c.Network = slices.DeleteFunc(c.Network, func(p Packet) bool { return p.To == i })
}

// Restart starts node i from its journal and chain, and introduces it to the
// others.
func (c *Cluster) Restart(i int) error {
	if err := c.Nodes[i].start(); err != nil {
		return err
	}
	for j, n := range c.Nodes {
		if j != i && n.replica != nil {
			c.Nodes[i].replica.Greet(j)
			n.replica.Greet(i)
			if err := n.drain(); err != nil {
				return err
			}
		}
	}
	return c.Nodes[i].drain()
}
