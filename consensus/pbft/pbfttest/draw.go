package pbfttest

import (
	"math/rand/v2"
	"slices"

	"github.com/quorate/quorate/consensus"
)

// This file draws a plan from a seed.

// Options narrow what is drawn.
type Options struct {
	N        int      // 0: by the seed, 4 in three of five
	Faults   []string // classes; nil: all
	Villains []string // kinds; nil: all
}

// sizes are the numbers of validators beside 4.
var sizes = []int{1, 2, 3, 5, 6, 7, 10, 4}

// pick returns one of the values.
func pick[T any](rng *rand.Rand, values ...T) T { return values[rng.IntN(len(values))] }

// between returns a number in [low, high].
func between(rng *rand.Rand, low, high uint64) uint64 { return low + rng.Uint64N(high-low+1) }

// Draw makes the plan of a seed.
func Draw(seed uint64, o Options) *Plan {
	rng := rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))
	p := &Plan{Seed: seed, N: o.N}
	if p.N == 0 {
		if p.N = 4; rng.IntN(5) < 2 {
			p.N = sizes[rng.IntN(len(sizes))]
		}
	}
	p.K = pick[uint64](rng, 1, 2, 3, 5, 8, 16, 64)
	p.W = pick[uint64](rng, 1, 2, 4, 8)
	p.R = pick[uint64](rng, 0, 1, 3, 16)
	if p.R == 0 { // as a genesis must be (consensus.Params.CheckStable)
		p.K = max(p.K, p.W+1)
	}
	p.T0 = pick[uint64](rng, 100, 200, 500, 1000)
	p.Tmax = p.T0 * pick[uint64](rng, 8, 16, 32)
	p.drawNetwork(rng)
	if p.N > 1 && rng.IntN(2) == 0 {
		p.Changes, p.Deaf = pick[uint64](rng, 3, 10, 40), rng.Uint64N(2)
	}
	f := (p.N - 1) / 3
	if f > 0 {
		p.drawVillains(rng, rng.IntN(f+1), o.Villains)
	}
	classes := o.Faults
	if classes == nil {
		classes = faultClasses
	}
	if len(classes) > 0 {
		for range 4 + rng.IntN(12) {
			if class := classes[rng.IntN(len(classes))]; class != faultWipe {
				p.Faults = append(p.Faults, p.drawFault(rng, class))
			}
		}
		p.drawTwins(rng, classes)
		if slices.Contains(classes, faultWipe) {
			p.drawWipes(rng, f)
		}
		slices.SortStableFunc(p.Faults, func(a, b Fault) int { return int(a.At) - int(b.At) })
	}
	return p
}

// drawNetwork chooses delays from a rack to a bad satellite link, up to those
// that no base timeout bears.
func (p *Plan) drawNetwork(rng *rand.Rand) {
	t0 := p.T0 * 1000
	switch rng.IntN(6) {
	case 0, 1: // one rack
		p.DelayLow, p.DelayHigh, p.Jitter = 100, 300, 50
	case 2: // one city
		p.DelayLow, p.DelayHigh, p.Jitter = 500, 3000, 1000
	case 3: // the world
		p.DelayLow, p.DelayHigh, p.Jitter = t0/50, t0/8, t0/20
	case 4: // some near, some far
		p.DelayLow, p.DelayHigh, p.Jitter = 200, t0/5, t0/100
	default: // a round takes longer than the first patience
		p.DelayLow, p.DelayHigh, p.Jitter = t0/8, t0/2, t0/20
	}
	p.Loss, p.Double = pick(rng, 0, 0, 5, 20, 80), pick(rng, 0, 5, 30)
	p.Fsync = pick[uint64](rng, 50, 500, 3000, t0/30)
	p.Execute = pick[uint64](rng, 50, 500, 3000, t0/20)
	p.Safety = between(rng, 8, 24) * p.T0
	p.Load = p.Safety * 1000 / between(rng, 20, 60)
	p.Burst = pick(rng, 1, 4, 8, 12)
	for range p.N {
		p.SkewMs = append(p.SkewMs, int64(rng.IntN(1800))-900) // two may differ by less than the drift allowed
	}
}

func (p *Plan) drawVillains(rng *rand.Rand, count int, names []string) {
	if names == nil {
		for _, v := range villains {
			names = append(names, v.name)
		}
	}
	if len(names) == 0 {
		return
	}
	for _, node := range rng.Perm(p.N)[:count] {
		p.Villains = append(p.Villains, Cast{node, names[rng.IntN(len(names))]})
	}
}

// drawTwins kills one twin after the other, and keeps them apart for a while:
// together they are too alike to do harm.
func (p *Plan) drawTwins(rng *rand.Rand, classes []string) {
	second := p.N
	for _, v := range p.Villains {
		if v.Kind != villainTwin {
			continue
		}
		for _, node := range []int{v.Node, second, v.Node} {
			if slices.Contains(classes, faultCrash) {
				p.Faults = append(p.Faults, Fault{At: rng.Uint64N(p.Safety), For: p.T0 / 4, Class: faultCrash, Nodes: []int{node}, How: crashNow})
			}
		}
		if slices.Contains(classes, faultPartition) {
			side := append(rng.Perm(p.N)[:p.N/2], second)
			p.Faults = append(p.Faults, Fault{At: rng.Uint64N(p.Safety), For: 2 * p.T0, Class: faultPartition, Nodes: side})
		}
		second++
	}
}

// drawWipes loses journals. A replica that has lost its own is one of the f
// until the next epoch, so there are no more of them than villains are missing.
func (p *Plan) drawWipes(rng *rand.Rand, f int) {
	room := f - len(p.Villains)
	for _, node := range rng.Perm(p.N) {
		villain := slices.ContainsFunc(p.Villains, func(c Cast) bool { return c.Node == node })
		if room > 0 && !villain && rng.IntN(2) == 0 {
			p.Faults = append(p.Faults, Fault{At: rng.Uint64N(p.Safety), For: between(rng, p.T0/10, p.T0), Class: faultWipe, Nodes: []int{node}})
			room--
		}
	}
}

// drawFault chooses one disturbance of the safety phase.
func (p *Plan) drawFault(rng *rand.Rand, class string) Fault {
	f := Fault{At: rng.Uint64N(p.Safety), For: between(rng, p.T0/10, 3*p.T0), Class: class}
	some := rng.Perm(p.N)[:1+rng.IntN((p.N+1)/2)]
	switch f.Class {
	case faultCrash:
		f.How = crashPoints[rng.IntN(len(crashPoints))]
		if f.How != crashPowerCut && f.How != crashAllMidReady {
			f.Nodes = some
		}
	case faultPause, faultCut, faultPartition, faultPrimary:
		f.Nodes = some
	case faultClock:
		f.Nodes, f.X = some, pick(rng, -5000, -1500, 1500, 5000, 20_000)
	case faultLose:
		f.X = pick(rng, 10, 30, 60)
	case faultMute:
		if f.X = 1 + rng.IntN(int(kinds)-1); rng.IntN(2) == 0 {
			f.X = int(consensus.Commit) // what is prepared must survive
		}
	case faultSlowExecutor, faultSlowDisk:
		f.Nodes, f.X = some, pick(rng, 10, 50, 200)
	case faultSlowNetwork:
		f.X = pick(rng, 5, 20, 50)
	}
	return f
}
