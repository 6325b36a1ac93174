package pbfttest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// Script runs the commands of a transcript against one cluster:
//
//	cluster n=4 k=64 w=8 r=0 t0=1000 tmax=16000    a new cluster: validators, epoch length, pipeline depth,
//	                             primary span, first and longest timeout
//	submit tx=a,b at=1,2         transactions into the pools of some nodes, or of all
//	order n=10                   so many blocks, one after the other, each of one transaction
//	deliver kind=PREPARE from=0 to=1,2 seq=3 view=1   hand over what matches, in order
//	drop …                       lose what matches
//	run                          deliver until the network is empty
//	tick n=100                   let ticks of 10 ms pass
//	wait n=100                   the same, tick by tick, delivering everything
//	cut from=0 to=1,2            directed links that lose everything
//	partition side=0,1           the named nodes and the others do not hear each other
//	heal                         all links are up, and everybody greets everybody
//	crash node=1 / restart node=1
//	wipe node=1                  a crashed node loses its journal
//	corrupt node=1               its executions come out wrong from now on
//	lazy / eager                 ledgers do nothing, or work again
//	villain node=1 kind=silent   from now on it is one
//	twin node=3                  a second node with the key of 3, as the last node
//	simulate                     plays a plan, see Plan
//	network / state / chain / certificate seq=1 / journal node=1 / rejections / halts     show
//	events                       shows what replicas did since the last time
type Script struct{ c *Cluster }

// Arg is one key with its values.
type Arg struct {
	Key  string
	Vals []string
}

// Do runs one command and returns its output.
func (s *Script) Do(cmd string, args []Arg, input string) (string, error) {
	a := arguments(args)
	switch cmd {
	case "cluster":
		return s.cluster(a)
	case "simulate":
		return simulate(input)
	}
	if s.c == nil {
		return "", fmt.Errorf("%s: no cluster yet", cmd)
	}
	switch cmd {
	case "submit":
		var txs []common.Hash
		for _, name := range a["tx"] {
			txs = append(txs, crypto.Keccak256Hash([]byte(name)))
		}
		return "", s.c.Submit(txs, a.ints("at")...)
	case "order":
		return "", s.order(a.int("n", 1))
	case "deliver", "drop":
		return s.pass(cmd, a)
	case "run":
		return "", s.c.Run()
	case "tick":
		return "", s.c.Tick(uint64(a.int("n", 1)))
	case "cut":
		for _, from := range a.ints("from") {
			for _, to := range a.ints("to") {
				s.c.Cut[[2]int{from, to}] = true
			}
		}
		return "", nil
	case "partition":
		return "", s.c.partition(a.ints("side"))
	case "heal":
		return "", s.c.heal()
	case "wait":
		for range a.int("n", 1) {
			if err := errors.Join(s.c.Tick(1), s.c.Run()); err != nil {
				return "", err
			}
		}
		return "", nil
	case "crash":
		s.c.Crash(a.int("node", 0))
		return "", nil
	case "restart":
		return "", s.c.Restart(a.int("node", 0))
	}
	if s.afflict(cmd, a) {
		return "", s.c.drainAll()
	}
	return s.show(cmd, a)
}

// afflict changes what a node is.
func (s *Script) afflict(cmd string, a values) bool {
	node := a.int("node", 0)
	switch cmd {
	case "corrupt":
		s.c.Nodes[node].Corrupt = true
	case "lazy", "eager":
		s.c.Lazy = cmd == "lazy"
	case "wipe":
		s.c.Nodes[node].journal = map[journalKey]pbft.Record{}
	case "villain":
		s.c.Nodes[node].villain = newVillain(undashed(a["kind"][0]), rand.New(rand.NewPCG(uint64(a.int("seed", 1)), 0)))
	case "twin":
		t := s.c.addTwin(node)
		s.c.checks.violatedBy(s.c.Restart(t.index))
	default:
		return false
	}
	return true
}

// simulate plays a plan.
func simulate(input string) (string, error) {
	p, err := ParsePlan(input)
	if err != nil {
		return "", err
	}
	if _, failed := p.Play(); failed != nil {
		return "", failed.Err
	}
	return "safe, live after healing, quiet when idle\n", nil
}

func (s *Script) cluster(a values) (string, error) {
	p := consensus.DefaultParams()
	p.EpochLength = uint64(a.int("k", 64))
	p.PipelineDepth = uint64(a.int("w", 8))
	p.PrimarySpan = uint64(a.int("r", 0))
	p.BaseTimeoutMs, p.MaxTimeoutMs = uint64(a.int("t0", 1000)), uint64(a.int("tmax", 16000))
	c, err := NewCluster(a.int("n", 4), p)
	if err != nil {
		return "", err
	}
	s.c = c
	return "", c.Run()
}

// order lets blocks of one transaction be committed by somebody, and a tick pass
// after each of them.
func (s *Script) order(blocks int) error {
	for range blocks {
		height := s.c.height()
		name := fmt.Sprintf("block %d", height+1)
		if err := s.c.Submit([]common.Hash{crypto.Keccak256Hash([]byte(name))}); err != nil {
			return err
		}
		for ticks := 0; s.c.height() == height; ticks++ {
			if ticks == 10_000 {
				return fmt.Errorf("%s was not committed in %d ticks", name, ticks)
			}
			if err := errors.Join(s.c.Run(), s.c.Tick(1), s.c.Run()); err != nil {
				return err
			}
		}
	}
	return nil
}

// pass delivers or drops everything that matches now, not what follows from it.
func (s *Script) pass(cmd string, a values) (string, error) {
	var out strings.Builder
	match := matcher(a)
	budget := 0
	for _, p := range s.c.Network {
		if match(p) {
			budget++
		}
	}
	for range budget {
		i := slices.IndexFunc(s.c.Network, match)
		p := s.c.Network[i]
		fmt.Fprintln(&out, describe(p))
		if cmd == "drop" {
			s.c.Network = slices.Delete(s.c.Network, i, i+1)
			continue
		}
		if _, err := s.c.Deliver(match); err != nil {
			return "", err
		}
	}
	return out.String(), nil
}

func (s *Script) show(cmd string, a values) (string, error) {
	var out strings.Builder
	switch cmd {
	case "network":
		for _, p := range s.c.Network {
			fmt.Fprintln(&out, describe(p))
		}
	case "state":
		for i, n := range s.c.Nodes {
			if n.replica == nil {
				fmt.Fprintf(&out, "%d crashed\n", i)
			} else {
				fmt.Fprintln(&out, n.replica)
			}
		}
	case "chain":
		for i, n := range s.c.Nodes {
			fmt.Fprintf(&out, "%d:", i)
			for _, b := range n.ledger.chain {
				fmt.Fprintf(&out, " %d(%d tx)%x", b.cert.Seq, len(b.batch.Hashes), b.hash[:2])
			}
			fmt.Fprintln(&out)
		}
	case "events":
		out.WriteString(strings.Join(s.c.log, ""))
		s.c.log = nil
	case "journal":
		s.journal(&out, s.c.Nodes[a.int("node", 0)])
	case "certificate":
		for i, n := range s.c.Nodes {
			if seq := a.int("seq", 1); len(n.ledger.chain) >= seq {
				c := n.ledger.chain[seq-1].cert
				fmt.Fprintf(&out, "%d: e%d v%d n=%d block %x signers %v\n", i, c.Epoch, c.View, c.Seq, c.BlockHash[:2], c.Signers.Members())
			}
		}
	case "halts":
		for i, n := range s.c.Nodes {
			if n.replica != nil && n.replica.Report().Halt != "" {
				fmt.Fprintf(&out, "%d: %s\n", i, n.replica.Report().Halt)
			}
		}
	case "rejections":
		var lines []string
		for why, k := range s.c.counts.rejected {
			lines = append(lines, fmt.Sprintf("%d × %s\n", k, why))
		}
		sort.Strings(lines)
		out.WriteString(strings.Join(lines, ""))
	default:
		return "", fmt.Errorf("unknown command %q", cmd)
	}
	return out.String(), nil
}

// journal shows the records of a node.
func (s *Script) journal(out *strings.Builder, n *Node) {
	for _, r := range n.records() {
		fmt.Fprintf(out, "%s", recordNames[r.Kind])
		switch r.Kind {
		case pbft.RecordProposal:
			fmt.Fprintf(out, " v%d n=%d (%d tx)", r.View, r.Seq, len(r.Batch.Hashes))
		case pbft.RecordPrepared:
			fmt.Fprintf(out, " v%d n=%d block %x", r.View, r.Seq, r.BlockHash[:2])
		case pbft.RecordViewChange:
			fmt.Fprintf(out, " v=%d", r.Vote.View)
		case pbft.RecordNewView:
			fmt.Fprintf(out, " v=%d O=%s", r.Vote.View, describeO(r.Vote.NewView.O))
		case pbft.RecordStable:
			fmt.Fprintf(out, " n=%d", r.Stable.Seq)
		case pbft.RecordOpened:
			fmt.Fprintf(out, " e%d", r.Opened.Epoch)
			if r.Opened.Hold > 0 {
				fmt.Fprintf(out, ", no vote before e%d: %s", r.Opened.Hold, r.Opened.Why)
			}
		}
		out.WriteByte('\n')
	}
}

func matcher(a values) func(Packet) bool {
	froms, tos, seqs, views, kinds := a.ints("from"), a.ints("to"), a.ints("seq"), a.ints("view"), a["kind"]
	return func(p Packet) bool {
		kind, seq := scriptKind(&p), seqOf(&p)
		return (len(froms) == 0 || slices.Contains(froms, p.From)) &&
			(len(tos) == 0 || slices.Contains(tos, p.To)) &&
			(len(seqs) == 0 || slices.Contains(seqs, int(seq))) &&
			(len(views) == 0 || p.Message.Vote != nil && slices.Contains(views, int(p.Message.Vote.View))) &&
			(len(kinds) == 0 || slices.Contains(kinds, kind))
	}
}

type values map[string][]string

func arguments(args []Arg) values {
	v := values{}
	for _, a := range args {
		for _, x := range a.Vals {
			v[a.Key] = append(v[a.Key], strings.Split(x, ",")...)
		}
	}
	return v
}

func (v values) ints(key string) []int {
	var out []int
	for _, x := range v[key] {
		i, err := strconv.Atoi(x)
		if err != nil {
			panic(fmt.Sprintf("script: %s=%s is no number", key, x))
		}
		out = append(out, i)
	}
	return out
}

func (v values) int(key string, def int) int {
	if x := v.ints(key); len(x) > 0 {
		return x[0]
	}
	return def
}
