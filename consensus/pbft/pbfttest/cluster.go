package pbfttest

import (
	"math/rand/v2"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// Cluster is n validators, one node each (a twin has two), and the network
// between them.
type Cluster struct {
	Params  consensus.Params
	Set     *consensus.ValidatorSet // of all who ever vote
	Nodes   []*Node                 // the first n are validator 0 … n−1, twins follow
	Network []Packet
	spare   []Packet        // room for the next ones
	packets []Packet        // room for those of one Ready
	inputs  []pbft.Input    // room for what one Ready gives back
	Cut     map[[2]int]bool // directed links that lose everything
	NowMs   uint64
	// Lazy ledgers and block syncs work only when they are told to.
	Lazy bool

	counts    Counts
	checks    checker
	submitted map[common.Hash]bool // transactions that somebody signed
	verified  map[*consensus.Vote]error
	digests   map[*consensus.Batch]common.Hash
	rng       *rand.Rand // of a simulation; nil in scripts
	post      func(Packet)

	genesis *terms
	rules   []*consensus.EpochRules                 // of every epoch that some chain has reached
	sets    map[common.Hash]*consensus.ValidatorSet // by the transaction that decided them
	changes uint64                                  // one in so many transactions is a decision; 0: none
	deaf    bool                                    // who is not of the set hears no votes
	unsound map[int]bool                            // validators that count among the f: villains, and those who lose their journals
	log     []string                                // of a script: what replicas did
}

// Genesis is the digest before the first batch of every cluster.
var Genesis = crypto.Keccak256Hash([]byte("pbfttest genesis"))

// startMs is when every cluster begins.
const startMs = 1_000_000

// NewCluster starts n nodes. Addresses ascend with the index.
func NewCluster(n int, params consensus.Params) (*Cluster, error) {
	c, err := newCluster(n, params, nil)
	if err != nil {
		return nil, err
	}
	for i := range c.Nodes {
		if err := c.Restart(i); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// newCluster makes n nodes, and one more for each validator named a twin. None
// of them runs.
func newCluster(n int, params consensus.Params, twins []int) (*Cluster, error) {
	var addresses []common.Address
	for i := range n {
		addresses = append(addresses, common.BytesToAddress([]byte{0xa0, byte(i + 1)}))
	}
	set, err := consensus.NewValidatorSet(addresses)
	if err != nil {
		return nil, err
	}
	c := &Cluster{
		Params: params, Set: set, Cut: map[[2]int]bool{}, NowMs: startMs,
		submitted: map[common.Hash]bool{}, verified: map[*consensus.Vote]error{}, digests: map[*consensus.Batch]common.Hash{},
	}
	c.post = func(p Packet) { c.Network = append(c.Network, p) }
	c.checks.init()
	c.beginTerms()
	for i := range n {
		c.addNode(i)
	}
	for _, id := range twins {
		c.addTwin(id)
	}
	return c, nil
}

func (c *Cluster) addNode(id int) *Node {
	n := &Node{cluster: c, index: len(c.Nodes), id: id, journal: map[journalKey]pbft.Record{}, known: map[common.Hash]bool{}, voted: pbft.Voted{Known: true}}
	n.ledger = ledger{node: n, final: map[common.Hash]consensus.Seq{}}
	c.Nodes = append(c.Nodes, n)
	c.checks.meet()
	return n
}

// addTwin gives validator id a second node with the same key and a journal of
// its own.
func (c *Cluster) addTwin(id int) *Node {
	t := c.addNode(id)
	t.villain = twin{}
	if c.Nodes[id].villain == nil {
		c.Nodes[id].villain = twin{}
	}
	return t
}

// Submit puts transactions into the pools of the nodes named, or of all.
func (c *Cluster) Submit(txs []common.Hash, at ...int) error {
	for _, h := range txs {
		c.submitted[h] = true
	}
	for i, n := range c.Nodes {
		if n.replica == nil || len(at) > 0 && !slices.Contains(at, i) {
			continue
		}
		n.admit(txs, true)
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
	return true, c.Nodes[p.To].receive(&p)
}

// reachable reports whether a can ask b for blocks.
func (c *Cluster) reachable(a, b int) bool {
	return c.Nodes[b].replica != nil && !c.Nodes[b].paused && !c.Cut[[2]int{a, b}] && !c.Cut[[2]int{b, a}]
}

// chance is true once in k times; never in a script.
func (c *Cluster) chance(k int) bool { return c.rng != nil && c.rng.IntN(k) == 0 }

// runLimit bounds what one Run delivers: more is an endless exchange.
const runLimit = 1_000_000

// Run delivers until nothing is on its way.
func (c *Cluster) Run() error {
	for delivered := 0; len(c.Network) > 0; {
		now := c.Network
		c.Network = c.spare[:0]
		for i := range now {
			p := &now[i]
			if delivered++; delivered > runLimit {
				return errEndless
			}
			if c.Cut[[2]int{p.From, p.To}] {
				continue
			}
			if err := c.Nodes[p.To].receive(p); err != nil {
				return err
			}
		}
		c.spare = now
	}
	return nil
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
			for _, p := range n.villain.Tick(n) {
				c.post(p)
			}
		}
	}
	return nil
}

// partition cuts all links between the nodes named and the others.
func (c *Cluster) partition(side []int) error {
	for i := range c.Nodes {
		for j := range c.Nodes {
			if slices.Contains(side, i) != slices.Contains(side, j) {
				c.Cut[[2]int{i, j}] = true
			}
		}
	}
	return nil
}

// heal brings all links up: everybody greets everybody.
func (c *Cluster) heal() error {
	clear(c.Cut)
	for i, n := range c.Nodes {
		for j, o := range c.Nodes {
			if i != j && n.replica != nil && o.replica != nil {
				n.replica.Greet(o.address())
			}
		}
	}
	return c.drainAll()
}

func (c *Cluster) drainAll() error {
	for _, n := range c.Nodes {
		if err := n.drain(); err != nil {
			return err
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
		if j != i && n.replica != nil && !c.Cut[[2]int{i, j}] && !c.Cut[[2]int{j, i}] {
			c.Nodes[i].replica.Greet(n.address())
			n.replica.Greet(c.Nodes[i].address())
			if err := n.drain(); err != nil {
				return err
			}
		}
	}
	return c.Nodes[i].drain()
}

// height is the number of the last block that somebody committed.
func (c *Cluster) height() (highest int) {
	for _, n := range c.Nodes {
		highest = max(highest, len(n.ledger.chain))
	}
	return highest
}

// anyCorrupt reports whether somebody's executor is broken.
func (c *Cluster) anyCorrupt() bool {
	return slices.ContainsFunc(c.Nodes, func(n *Node) bool { return n.Corrupt })
}
