package pbfttest

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/consensus"
)

// Run is one seeded schedule: a safety phase in which messages are lost,
// reordered and delayed and nodes are killed and restarted, then healing, then
// a fresh transaction that everybody must commit.
type Run struct {
	Seed  uint64
	N     int
	Steps int // of the safety phase
}

// Result is what a run did, for the tables that show that it did something.
type Result struct {
	Heights    int // committed by everybody at the end
	Crashes    int
	Lost       int
	Epochs     int
	Trace      common.Hash // hash over the final chain, equal for equal seeds
	Rejections map[string]int
}

// healTicks bounds the time from healing to the commit: block sync after a
// stall, a STATUS round for each lost phase, and the boundary of an epoch.
const healTicks = 3000

// Do plays the schedule. A violated invariant is an error or, where a vote
// contradicts, a panic.
func (run Run) Do() (Result, error) {
	rng := rand.New(rand.NewPCG(run.Seed, 0x9e3779b97f4a7c15))
	p := consensus.DefaultParams()
	p.PrimarySpan = 0
	p.EpochLength = []uint64{1, 2, 3, 8}[rng.IntN(4)]
	p.PipelineDepth = []uint64{1, 2, 4}[rng.IntN(3)]
	c, err := NewCluster(run.N, p)
	if err != nil {
		return Result{}, err
	}
	s := schedule{c: c, rng: rng}
	for range run.Steps {
		if err := s.step(); err != nil {
			return s.result, err
		}
	}
	if err := s.heal(); err != nil {
		return s.result, err
	}
	return s.result, nil
}

type schedule struct {
	c      *Cluster
	rng    *rand.Rand
	txs    uint64
	result Result
}

func (s *schedule) tx() common.Hash {
	s.txs++
	return crypto.Keccak256Hash(binary.BigEndian.AppendUint64(nil, s.txs))
}

// step does one random thing; delivering is the most likely.
func (s *schedule) step() error {
	n := len(s.c.Nodes)
	switch k := s.rng.IntN(100); {
	case k < 70:
		if len(s.c.Network) == 0 {
			return s.c.Tick(1 + uint64(s.rng.IntN(100)))
		}
		i := s.rng.IntN(len(s.c.Network)) // any order
		if s.rng.IntN(20) == 0 {
			s.c.Network = append(s.c.Network[:i:i], s.c.Network[i+1:]...)
			s.result.Lost++
			return nil
		}
		p := s.c.Network[i]
		s.c.Network = append(s.c.Network[:i:i], s.c.Network[i+1:]...)
		if s.rng.IntN(20) == 0 {
			s.c.Network = append(s.c.Network, p) // and once more later
		}
		return s.c.Nodes[p.To].step(p.Message)
	case k < 85:
		return s.c.Submit([]common.Hash{s.tx()})
	case k < 95:
		return s.c.Tick(1 + uint64(s.rng.IntN(150)))
	default:
		return s.bounce(s.rng.IntN(n))
	}
}

// bounce kills a running node or starts a dead one.
func (s *schedule) bounce(i int) error {
	if s.c.Nodes[i].replica == nil {
		return s.c.Restart(i)
	}
	s.c.Crash(i)
	s.result.Crashes++
	return nil
}

// heal restarts everybody, lets time pass, and demands progress.
func (s *schedule) heal() error {
	for i, n := range s.c.Nodes {
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
		if err := s.c.Run(); err != nil {
			return err
		}
		if s.everywhere(fresh) {
			return s.summarise()
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

func (s *schedule) everywhere(tx common.Hash) bool {
	for _, n := range s.c.Nodes {
		found := false
		for _, b := range n.chain {
			for _, h := range b.batch.Hashes {
				found = found || h == tx
			}
		}
		if !found {
			return false
		}
	}
	return true
}

func (s *schedule) summarise() error {
	chain := s.c.Nodes[0].chain
	k := crypto.NewKeccakState()
	for _, b := range chain {
		k.Write(b.hash[:])
	}
	k.Read(s.result.Trace[:])
	s.result.Heights = len(chain)
	s.result.Epochs = len(chain) / int(s.c.Params.EpochLength)
	s.result.Rejections = s.c.Rejections
	return nil
}
