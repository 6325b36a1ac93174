package pbfttest

import (
	"fmt"
	"math/rand/v2"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// This file is Twins (Bano et al., 2020): Byzantine behaviour without writing
// any. A twin is a second honest replica with the same key; whatever the two
// say together, a faulty validator could have said. Scenarios are enumerated:
// for each of a few views, who hears whom.

// TwinScenario is one schedule: in each round the nodes are divided into
// groups, messages pass inside a group only, and the patience of all ends.
type TwinScenario struct {
	N      int
	Twins  []int   // validators with a second node
	Rounds [][]int // by round and node: its group
	R      uint64  // primary span
}

func (s TwinScenario) String() string {
	return fmt.Sprintf("n=%d r=%d twins=%v groups by round %v", s.N, s.R, s.Twins, s.Rounds)
}

// partitions returns every way to divide k nodes into at most two groups, and
// the split of three groups in which the first two nodes stand alone. The first
// node is always in group 0: names of groups do not matter.
func partitions(k int) [][]int {
	var out [][]int
	for mask := range 1 << (k - 1) {
		groups := make([]int, k)
		for i := 1; i < k; i++ {
			groups[i] = mask >> (i - 1) & 1
		}
		out = append(out, groups)
	}
	alone := make([]int, k)
	for i := range alone {
		alone[i] = min(i, 2)
	}
	return append(out, alone)
}

// TwinScenarios returns count scenarios of the numbering: for n = 4 with one
// twin, every sequence of rounds partitions; the twin is each validator in
// turn, with a stable and with a rotating primary. The number is their index in
// a fixed order that a prime step walks through, so that any count is spread
// over all.
func TwinScenarios(n, twins, rounds, first, count int) []TwinScenario {
	parts := partitions(n + twins)
	total := n * 2
	for range rounds {
		total *= len(parts)
	}
	const step = 1_000_003 // prime, and no divisor of any total
	var out []TwinScenario
	for i := range min(count, total) {
		x := (first + i) * step % total
		s := TwinScenario{N: n, R: uint64(x % 2)}
		x /= 2
		for t := range twins {
			s.Twins = append(s.Twins, (x+t)%n)
		}
		x /= n
		for range rounds {
			s.Rounds = append(s.Rounds, parts[x%len(parts)])
			x /= len(parts)
		}
		out = append(out, s)
	}
	return out
}

// Play runs the scenario, heals, and demands that all who are honest go on.
func (s TwinScenario) Play() error {
	p := consensus.DefaultParams()
	p.EpochLength, p.PipelineDepth, p.PrimarySpan = 64, 4, s.R
	p.BaseTimeoutMs, p.MaxTimeoutMs = 100, 1600
	c, err := newCluster(s.N, p, s.Twins)
	if err != nil {
		return err
	}
	c.rng = rand.New(rand.NewPCG(1, 1)) // only to have no log
	for i := range c.Nodes {
		if err := c.Restart(i); err != nil {
			return err
		}
	}
	if err := c.Run(); err != nil {
		return err
	}
	txs := 0
	next := func() []common.Hash {
		txs++
		return []common.Hash{{byte(txs), 0x77}}
	}
	for _, groups := range s.Rounds {
		if err := s.round(c, groups, next); err != nil {
			return err
		}
	}
	if err := c.heal(); err != nil {
		return err
	}
	return s.recover(c, next())
}

// twinRound is long enough for a batch, a timeout and a view change.
const twinRound = 8

// round lets one partition pass: each node's pool gets a transaction of its
// own, so that primaries on both sides have something different to propose.
func (s TwinScenario) round(c *Cluster, groups []int, next func() []common.Hash) error {
	clear(c.Cut)
	for i, a := range groups {
		for j, b := range groups {
			if a != b {
				c.Cut[[2]int{i, j}] = true
			}
		}
	}
	for i := range c.Nodes {
		if err := c.Submit(next(), i); err != nil {
			return err
		}
	}
	for range twinRound {
		if err := c.Run(); err != nil {
			return err
		}
		if err := c.Tick(3); err != nil {
			return err
		}
	}
	return nil
}

// recover waits until a transaction that all know is final at all honest nodes.
func (s TwinScenario) recover(c *Cluster, txs []common.Hash) error {
	if err := c.Submit(txs); err != nil {
		return err
	}
	for range 600 {
		if err := c.Run(); err != nil {
			return err
		}
		live := true
		for _, n := range c.Nodes {
			live = live && (n.villain != nil || n.ledger.final[txs[0]] != 0)
		}
		if live {
			return nil
		}
		if err := c.Tick(5); err != nil {
			return err
		}
	}
	state := ""
	for _, n := range c.Nodes {
		state += "; " + n.replica.String()
	}
	return fmt.Errorf("L1: no progress after healing%s", state)
}
