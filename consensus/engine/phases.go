package engine

import "github.com/quorate/quorate/consensus"

// measured are the stretches of a block's way that have a histogram.
var measured = [...][2]consensus.Phase{
	{consensus.PhaseAccepted, consensus.PhasePrepared},
	{consensus.PhaseAccepted, consensus.PhaseExecuted},
	{consensus.PhasePrepared, consensus.PhaseCommitted},
	{consensus.PhaseCommitted, consensus.PhaseDurable},
	{consensus.PhaseAccepted, consensus.PhaseDurable},
}

// measure adds a durable block to the histograms. What this node has not seen,
// such as the votes for a block that came with its certificate, is left out.
func measure(into []consensus.PhaseTimes, b *consensus.BlockPhases) {
	for i := range into {
		p := &into[i]
		from, to := b.Times[p.From], b.Times[p.To]
		if from == 0 || to < from {
			continue
		}
		s := float64(to-from) / 1e6
		p.Count++
		p.Sum += s
		for k, bound := range consensus.PhaseBuckets {
			if s <= bound {
				p.Buckets[k]++
				break
			}
		}
	}
}
