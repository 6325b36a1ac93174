package pbfttest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/quorate/quorate/consensus"
)

// Plan is everything that a simulation does not leave to chance: the network,
// its faults, when each begins and how long it lasts, and who is a villain.
// What chance decides, it decides by Seed. A plan is a text, so that a failure
// can be written down, made smaller and played again:
//
//	seed=17 n=4 k=8 w=4 r=3 t0=200 tmax=3200
//	delay=300..900 jitter=200 loss=5 double=5 fsync=500 exec=300 load=40000 burst=6 safety=6000
//	skew node=2 ms=-700
//	villain node=2 kind=equivocator
//	at=1200 for=500 crash node=1 how=torn-tail
//	at=1500 for=900 partition node=0,1
//
// With changes=10 one in ten transactions decides by which set and parameters the
// next epoch begins. Delays are microseconds, at, for and safety milliseconds, loss and double per
// mille.
type Plan struct {
	Seed           uint64
	N              int
	K, W, R        uint64
	T0, Tmax       uint64 // ms
	DelayLow       uint64 // µs, of the fastest link
	DelayHigh      uint64 // µs, of the slowest link
	Jitter         uint64 // µs, mean of what is added to each message
	Loss, Double   int    // per mille
	Fsync, Execute uint64 // µs
	Load           uint64 // µs, mean time between submissions
	Burst          int    // transactions that may come at once
	Safety         uint64 // ms, the phase with faults
	Changes        uint64 // one in so many transactions changes set and parameters; 0: none
	Deaf           uint64 // 1: who is not of the set hears no votes and follows by block sync
	SkewMs         []int64
	Villains       []Cast
	Faults         []Fault
}

// Cast gives a validator a villain's part.
type Cast struct {
	Node int
	Kind string
}

// Fault is one disturbance with its beginning and its end.
type Fault struct {
	At, For uint64 // ms
	Class   string
	Nodes   []int  // whom it befalls
	How     string // of a crash: at which point
	X       int    // percent, factor or milliseconds
}

// maxBatch is enough for any load that a plan has, in a few batches.
const maxBatch = 32

// params returns the protocol parameters of the plan.
func (p *Plan) params() consensus.Params {
	q := consensus.DefaultParams()
	q.EpochLength, q.PipelineDepth, q.PrimarySpan = p.K, p.W, p.R
	q.BaseTimeoutMs, q.MaxTimeoutMs = p.T0, p.Tmax
	q.MaxBatchTransactions = maxBatch
	return q
}

// String is the plan as a text that ParsePlan reads.
func (p *Plan) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "seed=%d n=%d k=%d w=%d r=%d t0=%d tmax=%d\n", p.Seed, p.N, p.K, p.W, p.R, p.T0, p.Tmax)
	fmt.Fprintf(&out, "delay=%d..%d jitter=%d loss=%d double=%d fsync=%d exec=%d load=%d burst=%d safety=%d\n",
		p.DelayLow, p.DelayHigh, p.Jitter, p.Loss, p.Double, p.Fsync, p.Execute, p.Load, p.Burst, p.Safety)
	if p.Changes > 0 {
		fmt.Fprintf(&out, "changes=%d deaf=%d\n", p.Changes, p.Deaf)
	}
	for i, ms := range p.SkewMs {
		if ms != 0 {
			fmt.Fprintf(&out, "skew node=%d ms=%d\n", i, ms)
		}
	}
	for _, v := range p.Villains {
		fmt.Fprintf(&out, "villain node=%d kind=%s\n", v.Node, dashed(v.Kind))
	}
	for _, f := range p.Faults {
		fmt.Fprintf(&out, "at=%d for=%d %s", f.At, f.For, dashed(f.Class))
		if len(f.Nodes) > 0 {
			fmt.Fprintf(&out, " node=%s", strings.Trim(strings.ReplaceAll(fmt.Sprint(f.Nodes), " ", ","), "[]"))
		}
		if f.How != "" {
			fmt.Fprintf(&out, " how=%s", dashed(f.How))
		}
		if f.X != 0 {
			fmt.Fprintf(&out, " x=%d", f.X)
		}
		out.WriteByte('\n')
	}
	return out.String()
}

// Names have spaces in tables and dashes in plans.
func dashed(s string) string   { return strings.ReplaceAll(s, " ", "-") }
func undashed(s string) string { return strings.ReplaceAll(s, "-", " ") }

// ParsePlan reads a plan. What a line does not name keeps the value that the
// seed would not give: none.
func ParsePlan(text string) (*Plan, error) {
	p := &Plan{}
	for i, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if err := p.parseLine(line); err != nil {
			return nil, fmt.Errorf("plan, line %d: %w", i+1, err)
		}
	}
	if err := p.params().Validate(); err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	if p.N < 1 || p.Load == 0 || p.Safety == 0 {
		return nil, fmt.Errorf("plan: n, load and safety must be above 0")
	}
	for _, v := range p.Villains {
		if newVillain(v.Kind, nil) == nil || v.Node < 0 || v.Node >= p.N {
			return nil, fmt.Errorf("plan: villain %q at node %d", v.Kind, v.Node)
		}
	}
	for _, f := range p.Faults {
		if !slices.Contains(faultClasses, f.Class) || slices.ContainsFunc(f.Nodes, func(i int) bool { return i < 0 || i >= p.N+len(p.Villains) }) {
			return nil, fmt.Errorf("plan: fault %q at nodes %v", f.Class, f.Nodes)
		}
	}
	return p, nil
}

func (p *Plan) parseLine(line string) error {
	words := strings.Fields(line)
	w := planWords{}
	var name string
	for _, word := range words {
		key, value, ok := strings.Cut(word, "=")
		if !ok {
			name = undashed(word)
			continue
		}
		w[key] = value
	}
	var err error
	switch name {
	case "":
		err = p.parseHead(w)
	case "skew":
		for len(p.SkewMs) < p.N {
			p.SkewMs = append(p.SkewMs, 0)
		}
		node := w.number("node", &err)
		if node >= uint64(len(p.SkewMs)) {
			return fmt.Errorf("skew of node %d", node)
		}
		p.SkewMs[node], err = strconv.ParseInt(w["ms"], 10, 64)
	case "villain":
		p.Villains = append(p.Villains, Cast{int(w.number("node", &err)), undashed(w["kind"])})
	default:
		f := Fault{At: w.number("at", &err), For: w.number("for", &err), Class: name, How: undashed(w["how"])}
		if w["x"] != "" {
			f.X, err = strconv.Atoi(w["x"])
		}
		for s := range strings.SplitSeq(w["node"], ",") {
			if s != "" {
				i, e := strconv.Atoi(s)
				if e != nil {
					return e
				}
				f.Nodes = append(f.Nodes, i)
			}
		}
		p.Faults = append(p.Faults, f)
	}
	return err
}

func (p *Plan) parseHead(w planWords) (err error) {
	for key, to := range map[string]*uint64{
		"seed": &p.Seed, "k": &p.K, "w": &p.W, "r": &p.R, "t0": &p.T0, "tmax": &p.Tmax, "jitter": &p.Jitter,
		"fsync": &p.Fsync, "exec": &p.Execute, "load": &p.Load, "safety": &p.Safety, "changes": &p.Changes, "deaf": &p.Deaf,
	} {
		if w[key] != "" {
			*to = w.number(key, &err)
		}
	}
	for key, to := range map[string]*int{"n": &p.N, "loss": &p.Loss, "double": &p.Double, "burst": &p.Burst} {
		if w[key] != "" {
			*to = int(w.number(key, &err))
		}
	}
	if low, high, ok := strings.Cut(w["delay"], ".."); ok {
		d := planWords{"low": low, "high": high}
		p.DelayLow, p.DelayHigh = d.number("low", &err), d.number("high", &err)
	}
	return err
}

// planWords are the key=value words of a line.
type planWords map[string]string

func (w planWords) number(key string, err *error) uint64 {
	x, e := strconv.ParseUint(w[key], 10, 64)
	if e != nil && *err == nil {
		*err = fmt.Errorf("%s=%q is no number", key, w[key])
	}
	return x
}
