package pbfttest

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/consensus"
)

// Run is one seeded schedule: a safety phase in which messages are lost,
// doubled, reordered and delayed, links cut, clocks wrong, nodes paused, killed
// and restarted, and at most f of them villains; then healing, then a fresh
// transaction that every honest node must commit if the primary is honest.
type Run struct {
	Seed  uint64
	N     int
	Steps int // of the safety phase
}

// Result is what a run did, for the tables that show that it did something.
type Result struct {
	Trace  common.Hash // hash over the final chain, equal for equal seeds
	Counts map[string]int
}

// Add sums results up.
func (r *Result) Add(o Result) {
	if r.Counts == nil {
		r.Counts = map[string]int{}
	}
	for what, k := range o.Counts {
		r.Counts[what] += k
	}
}

// String is the table of what occurred.
func (r *Result) String() string {
	var out strings.Builder
	for _, what := range slices.Sorted(maps.Keys(r.Counts)) {
		fmt.Fprintf(&out, "%10d  %s\n", r.Counts[what], what)
	}
	return out.String()
}

// Bounds of what a schedule does.
const (
	healTicks = 12_000 // from healing to the commit: doubts, block sync, a STATUS round for each lost phase, a boundary
	maxSkewMs = 1500   // two clocks may differ by more than the drift that proposals are allowed
)

// Do plays the schedule. A violated invariant is an error.
func (run Run) Do() (Result, error) {
	rng := rand.New(rand.NewPCG(run.Seed, 0x9e3779b97f4a7c15))
	p := consensus.DefaultParams()
	p.PrimarySpan = []uint64{0, 1, 3, 16}[rng.IntN(4)]
	p.EpochLength = []uint64{1, 2, 3, 8}[rng.IntN(4)]
	p.PipelineDepth = []uint64{1, 2, 4}[rng.IntN(3)]
	c, err := NewCluster(run.N, p)
	if err != nil {
		return Result{}, err
	}
	c.rng, c.Lazy = rng, true
	s := schedule{c: c, rng: rng, counts: map[string]int{}}
	s.cast()
	for range run.Steps {
		if err := s.step(); err != nil {
			return s.result(), err
		}
	}
	err = s.heal()
	return s.result(), err
}

type schedule struct {
	c      *Cluster
	rng    *rand.Rand
	txs    uint64
	counts map[string]int
}

// cast makes at most f nodes villains and gives everybody a clock.
func (s *schedule) cast() {
	for _, n := range s.c.Nodes {
		n.skewMs = int64(s.rng.IntN(2*maxSkewMs)) - maxSkewMs
	}
	for _, i := range s.rng.Perm(len(s.c.Nodes))[:s.rng.IntN(s.c.Set.F()+1)] {
		v := villains[s.rng.IntN(len(villains))]()
		s.c.Nodes[i].villain = v
		s.counts["villain: "+v.Name()]++
	}
}

func (s *schedule) tx() common.Hash {
	s.txs++
	return crypto.Keccak256Hash(binary.BigEndian.AppendUint64(nil, s.txs))
}

// step does one random thing; delivering is the most likely.
func (s *schedule) step() error {
	i := s.rng.IntN(len(s.c.Nodes))
	switch k := s.rng.IntN(200); {
	case k < 120:
		return s.deliver()
	case k < 150:
		return s.c.Nodes[i].workOnce()
	case k < 170:
		return s.c.Submit([]common.Hash{s.tx()})
	case k < 190:
		return s.c.Tick(1 + uint64(s.rng.IntN(150)))
	case k < 194:
		return s.bounce(i)
	case k < 197:
		s.c.Nodes[i].paused = !s.c.Nodes[i].paused
		s.counts["pauses"]++
	case k < 199:
		link := [2]int{i, s.rng.IntN(len(s.c.Nodes))}
		s.c.Cut[link] = !s.c.Cut[link]
		s.counts["links cut"]++
	default:
		clear(s.c.Cut)
	}
	return nil
}

// deliver hands over any message, loses it, or hands it over twice.
func (s *schedule) deliver() error {
	if len(s.c.Network) == 0 {
		return s.c.Tick(1 + uint64(s.rng.IntN(100)))
	}
	i := s.rng.IntN(len(s.c.Network))
	p := s.c.Network[i]
	if s.c.Nodes[p.To].paused {
		return nil // it waits
	}
	s.c.Network = slices.Delete(s.c.Network, i, i+1)
	if s.rng.IntN(20) == 0 || s.c.Cut[[2]int{p.From, p.To}] {
		s.counts["messages lost"]++
		return nil
	}
	if s.rng.IntN(20) == 0 {
		s.c.Network = append(s.c.Network, p)
	}
	return s.hand(p)
}

func (s *schedule) hand(p Packet) error {
	kind, _ := kindOf(p)
	s.counts["delivered: "+kind]++
	return s.c.Nodes[p.To].receive(p.Message)
}

// bounce kills a running node or starts a dead one.
func (s *schedule) bounce(i int) error {
	if s.c.Nodes[i].replica == nil {
		return s.c.Restart(i)
	}
	s.c.Crash(i)
	s.counts["crashes"]++
	return nil
}

// heal restarts everybody, lets time pass, and demands progress. Villains go
// on.
func (s *schedule) heal() error {
	clear(s.c.Cut)
	s.c.Lazy = false
	for i, n := range s.c.Nodes {
		n.paused = false
		if n.replica == nil {
			if err := s.c.Restart(i); err != nil {
				return err
			}
		}
	}
	fresh := s.tx()
	if err := s.c.Submit([]common.Hash{fresh}); err != nil {
		return err
	}
	for range healTicks / 10 {
		if err := s.flush(); err != nil {
			return err
		}
		if s.everywhere(fresh) {
			s.counts["runs live after healing"]++
			return nil
		}
		if err := s.c.Tick(10); err != nil {
			return err
		}
	}
	var states []string
	for _, n := range s.c.Nodes {
		states = append(states, n.replica.String())
	}
	return fmt.Errorf("L1: not committed everywhere %d ticks after healing: %v", healTicks, states)
}

// flush delivers everything that is on its way, and lets idle ledgers work.
func (s *schedule) flush() error {
	for _, n := range s.c.Nodes {
		if err := n.drain(); err != nil {
			return err
		}
	}
	for len(s.c.Network) > 0 {
		p := s.c.Network[0]
		s.c.Network = s.c.Network[1:]
		if err := s.hand(p); err != nil {
			return err
		}
	}
	return nil
}

// everywhere reports whether every honest node has committed tx.
func (s *schedule) everywhere(tx common.Hash) bool {
	for _, n := range s.c.Nodes {
		if n.villain == nil && !n.ledger.final[tx] {
			return false
		}
	}
	return true
}

// result sums the run up.
func (s *schedule) result() Result {
	longest := s.c.Nodes[0].ledger.chain
	for _, n := range s.c.Nodes {
		if len(n.ledger.chain) > len(longest) {
			longest = n.ledger.chain
		}
		s.counts["blocks by block sync"] += n.ledger.imports
	}
	k := crypto.NewKeccakState()
	for _, b := range longest {
		k.Write(b.hash[:])
	}
	var r Result
	k.Read(r.Trace[:])
	for what, count := range s.c.Happened {
		s.counts[what] += count
	}
	for why, count := range s.c.Rejections {
		s.counts["refused: "+why] += count
	}
	s.counts["heights"] = len(longest)
	s.counts["epochs"] = len(longest) / int(s.c.Params.EpochLength)
	s.counts["evidence"] = s.c.Evidence
	r.Counts = s.counts
	return r
}
