package pbfttest

import "slices"

// A shrink plays at most so many simulations, and at most so many events: one
// that fails by never ending takes long.
const (
	shrinkTries  = 300
	shrinkEvents = 5_000_000
)

// Shrink looks for a smaller plan that violates the same invariant: without
// this fault or that villain, with less chance in the network, with an earlier
// end. It returns the smallest failure found and how many plans it played.
func Shrink(f *Failure) (*Failure, int) {
	best, tries, events := f, 0, 0
	try := func(p Plan) bool {
		if tries >= shrinkTries || events >= shrinkEvents {
			return false
		}
		tries++
		r, failed := p.Play()
		if events += r.Events; failed != nil && failed.Class() == f.Class() {
			best = failed
			return true
		}
		return false
	}
	for smaller := true; smaller && tries < shrinkTries && events < shrinkEvents; {
		smaller = shrinkLists(func() *Plan { return best.Plan }, try)
		for _, calm := range calmer {
			p := *best.Plan
			if calm(&p); p.String() != best.Plan.String() && try(p) {
				smaller = true
			}
		}
	}
	return best, tries
}

// shrinkLists leaves out faults and villains, one after the other, from the
// end.
func shrinkLists(best func() *Plan, try func(Plan) bool) bool {
	smaller := false
	for i := len(best().Faults) - 1; i >= 0; i-- {
		p := *best()
		p.Faults = slices.Delete(slices.Clone(p.Faults), i, i+1)
		smaller = try(p) || smaller
	}
	for i := len(best().Villains) - 1; i >= 0; i-- {
		p := *best()
		p.Villains = slices.Delete(slices.Clone(p.Villains), i, i+1)
		smaller = try(p) || smaller
	}
	for i := range best().Faults {
		f := best().Faults[i]
		for _, node := range f.Nodes {
			if len(best().Faults[i].Nodes) > 1 {
				p := *best()
				p.Faults = slices.Clone(p.Faults)
				p.Faults[i].Nodes = slices.DeleteFunc(slices.Clone(p.Faults[i].Nodes), func(n int) bool { return n == node })
				smaller = try(p) || smaller
			}
		}
	}
	return smaller
}

// calmer are the ways in which a plan can have less chance in it.
var calmer = []func(*Plan){
	func(p *Plan) { p.Loss = 0 },
	func(p *Plan) { p.Double = 0 },
	func(p *Plan) { p.SkewMs = nil },
	func(p *Plan) { p.Jitter = 0 },
	func(p *Plan) { p.DelayLow, p.DelayHigh = 1000, 1000 },
	func(p *Plan) { p.Fsync = 0 },
	func(p *Plan) { p.Execute = 1 },
	func(p *Plan) { p.Burst = 1 },
	func(p *Plan) { p.R = 0 },
	func(p *Plan) { p.W = 1 },
	func(p *Plan) { p.K = 64 },
	func(p *Plan) { p.Load *= 2 },
	func(p *Plan) { p.Safety = max(p.Safety/2, 1) },
}
