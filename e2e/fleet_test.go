package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	network "github.com/quorate/quorate/node/devnet"
)

// fleet is a network whose processes are the test's own children, without the
// supervisor of "quorate devnet": they can be killed, stopped and started in
// any order. Each runs the node as "quorate start" does, and writes down every
// vote that it signs (tap_test.go); the votes of all lives are compared.
type fleet struct {
	*devnet
	votes   *votes
	machine *machine
	prefix  map[*node][]string // words before the node's command line: ip netns exec …
	flags   map[*node][]string // settings of each start
}

// newFleet makes a network of n validators and starts nothing.
func newFleet(t testing.TB, n int) *fleet {
	t.Helper()
	return newFleetSince(t, n, time.Now())
}

// newFleetSince is newFleet with another time of block 0.
func newFleetSince(t testing.TB, n int, since time.Time) *fleet {
	t.Helper()
	d := &devnet{t: t, dir: filepath.Join(t.TempDir(), "net"), ports: freePorts(t, n), ChainID: 1337}
	spec, err := network.Spec{
		Validators: n, Timestamp: uint64(since.Unix()), Host: "127.0.0.1",
		Ports: network.Ports{RPC: d.ports.rpc, P2P: d.ports.p2p, Admin: d.ports.admin},
	}.Devnet()
	if err != nil {
		t.Fatal(err)
	}
	made, err := network.Generate(t.Context(), d.dir, spec)
	if err != nil {
		t.Fatal(err)
	}
	d.Genesis = made.Genesis.Hash()
	for i := range made.Nodes {
		m := &made.Nodes[i]
		v := &node{Name: m.Name, Address: m.Validator, RPC: m.RPC(), WS: m.WebSocket(), Admin: m.Admin(), NodeID: m.NodeID, Dir: m.Dir}
		v.connect(t)
		d.Validators = append(d.Validators, v)
	}
	accounts, err := network.Accounts()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range accounts {
		d.Accounts = append(d.Accounts, funded{Address: a.Address, PrivateKey: crypto.FromECDSA(a.Key), Unsafe: true})
	}
	f := &fleet{devnet: d, machine: watchMachine(t), prefix: map[*node][]string{}, flags: map[*node][]string{}}
	t.Cleanup(func() { noneLeft(t, d.dir, stopLimit) })
	t.Cleanup(d.explain)
	f.votes = watchVotes(t, f)
	return f
}

// startFleet makes a network and waits until all its nodes are connected.
func startFleet(t *testing.T, n int) *fleet {
	t.Helper()
	f := newFleet(t, n)
	f.start(f.Validators...)
	f.answer(f.Validators...)
	f.connected(f.Validators...)
	return f
}

// start begins a life of each of these nodes, and waits for nothing.
func (f *fleet) start(nodes ...*node) {
	f.t.Helper()
	self, err := os.Executable()
	if err != nil {
		f.t.Fatal(err)
	}
	for _, n := range nodes {
		log, err := os.OpenFile(filepath.Join(n.Dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			f.t.Fatal(err)
		}
		words := append(slices.Clone(f.prefix[n]), self, "start", "--dir", n.Dir)
		p := &process{t: f.t, cmd: exec.Command(words[0], append(words[1:], f.flags[n]...)...), out: &output{}, errs: &output{}, ended: make(chan struct{})}
		p.cmd.Stdout, p.cmd.Stderr = log, log
		p.cmd.Env = append(cleanEnv(), tapVariable+"="+f.votes.file(n))
		p.run()
		log.Close() // the child has its own descriptor
		n.own, n.PID = p, p.pid()
	}
}

// kill ends these nodes as a crash would.
func (f *fleet) kill(nodes ...*node) {
	f.t.Helper()
	for _, n := range nodes {
		if !n.own.lives() {
			f.t.Errorf("%s had ended by itself: %v\n%s", n.Name, n.own.err, n.logTail(20))
		}
		n.own.signal(syscall.SIGKILL)
	}
	for _, n := range nodes {
		<-n.own.ended
	}
}

// answer waits until these nodes answer over RPC.
func (f *fleet) answer(nodes ...*node) {
	f.t.Helper()
	for _, n := range nodes {
		n.awaitRPC()
	}
}

// connected waits until these validators have shaken hands with each other.
func (f *fleet) connected(nodes ...*node) time.Duration {
	f.t.Helper()
	return f.within(commitLimit, "connections", func(ctx context.Context) error {
		for _, n := range nodes {
			s, err := n.status(ctx)
			if err != nil {
				return err
			}
			for _, v := range s.Validators {
				if !v.Connected && slices.ContainsFunc(nodes, func(o *node) bool { return o.Address == v.Address }) {
					return fmt.Errorf("%s is not connected to %s", n.Name, f.name(v.Address))
				}
			}
		}
		return nil
	})
}

// within is eventually, and says at a failure where every node stands.
func (f *fleet) within(limit time.Duration, what string, check func(context.Context) error) time.Duration {
	f.t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(f.t.Context(), limit)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	last := errors.New("no look came to an end")
	for {
		err := check(ctx)
		if err == nil {
			return time.Since(began)
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			f.t.Fatalf("%s: not within %s: %v\n%s", what, limit, last, f)
		case <-tick.C:
		}
	}
}

// String is one line per node: whether it lives, what it says of itself, what
// it signed last.
func (f *fleet) String() string {
	var out strings.Builder
	for _, n := range f.Validators {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		s, err := n.status(ctx)
		cancel()
		switch {
		case n.own == nil || !n.own.lives():
			fmt.Fprintf(&out, "%s is down", n.Name)
		case err != nil:
			fmt.Fprintf(&out, "%s does not answer: %v", n.Name, err)
		default:
			fmt.Fprintf(&out, "%s: %s", n.Name, s.Line)
			for _, v := range s.Validators {
				if !v.Connected {
					fmt.Fprintf(&out, ", without %s", f.name(v.Address))
				}
			}
			if s.Halt != "" {
				fmt.Fprintf(&out, ", HALTED: %s", s.Halt)
			}
		}
		fmt.Fprintf(&out, " (last COMMIT for block %d)\n", f.votes.committed(n))
	}
	return out.String()
}

// name is what a validator is called, for people.
func (f *fleet) name(a interface{ Hex() string }) string {
	for _, n := range f.Validators {
		if n.Address.Hex() == a.Hex() {
			return n.Name
		}
	}
	return a.Hex()
}

// others are all validators but these.
func (f *fleet) others(but ...*node) []*node {
	var out []*node
	for _, n := range f.Validators {
		if !slices.Contains(but, n) {
			out = append(out, n)
		}
	}
	return out
}

// ask returns the validator that a node takes for the primary of the next
// block.
func (f *fleet) ask(n *node) *node {
	f.t.Helper()
	var primary *node
	f.within(commitLimit, "pbft_status of "+n.Name, func(ctx context.Context) error {
		s, err := n.status(ctx)
		if err != nil {
			return err
		}
		for _, v := range f.Validators {
			if v.Address == s.Primary {
				primary = v
				return nil
			}
		}
		return fmt.Errorf("no validator is the primary %s", s.Primary)
	})
	return primary
}

// sideBySide is the pace of a load of which two run at a time: with eight lanes
// 320 transfers and about 30 blocks a second.
const sideBySide = 250 * time.Millisecond

// startLoad loads a network under faults. As much as goes takes all of two cores:
// what a validator has missed it would then catch up hardly faster than the others
// make more, and the times that are promised would be those of the machine. With
// -long, where each test has the machine for itself, that is what is asked for.
func (f *fleet) startLoad(nodes []*node, lanes int) *load {
	if *long {
		return startLoad(f.devnet, nodes, lanes)
	}
	return startPacedLoad(f.devnet, nodes, lanes, sideBySide)
}

// votesAgain waits until a node has, since a moment, signed a COMMIT for a block
// that is newer than everything it signed before, and than a head. It returns
// how long the node took, which must be what is promised.
func (f *fleet) votesAgain(n *node, after uint64, since time.Time) time.Duration {
	f.t.Helper()
	var at time.Time
	f.within(recoverLimit, n.Name+" votes again", func(context.Context) error {
		var voted bool
		if at, voted = f.votes.above(n, after, since); !voted {
			return fmt.Errorf("its last COMMIT is for block %d, it must be above %d", f.votes.committed(n), after)
		}
		return nil
	})
	took := at.Sub(since)
	f.keeps(rejoin, took, since, "until %s votes again", n.Name)
	return took
}

// whole waits until all nodes follow and vote in one view: the next fault must
// not meet one that is still busy with the last, or there are two.
func (f *fleet) whole() {
	f.t.Helper()
	f.within(recoverLimit, "all nodes are level, in one view", func(ctx context.Context) error {
		var first *status
		for _, n := range f.Validators {
			s, err := n.status(ctx)
			if err != nil {
				return err
			}
			if first == nil {
				first = s
			}
			if s.Mode != "normal" || s.Epoch != first.Epoch || s.View != first.View {
				return fmt.Errorf("%s: %s, %s: %s", n.Name, s.Line, f.Validators[0].Name, first.Line)
			}
		}
		return nil
	})
}

// headOf is a node's head, now.
func (f *fleet) headOf(n *node) uint64 {
	f.t.Helper()
	var head uint64
	f.within(commitLimit, "head of "+n.Name, func(ctx context.Context) (err error) {
		head, err = n.head(ctx)
		return err
	})
	return head
}

// finish ends the load, and checks what must hold after every fault: all nodes
// have one head, every receipt that was ever served is still there, the last
// block is proved, nobody has contradicted himself.
func (f *fleet) finish(l *load) {
	f.t.Helper()
	l.finish()
	var head uint64
	f.within(recoverLimit, "all nodes have one head", func(ctx context.Context) error {
		for i, n := range f.Validators {
			h, err := n.head(ctx)
			if err != nil {
				return err
			}
			if i > 0 && h != head {
				return fmt.Errorf("%s is at %d, %s at %d", n.Name, h, f.Validators[0].Name, head)
			}
			head = h
		}
		return nil
	})
	l.verify(f.Validators)
	for number := head; number > 0; number -= min(number, max(1, head/20)) {
		agree(f.t, f.Validators, number)
	}
	f.votes.drain()
	f.t.Logf("%d receipts served, all there in %d blocks on %d nodes; %s", l.served(), head, len(f.Validators), f.votes)
}

// pick returns one of these nodes.
func pick(random *rand.Rand, nodes []*node) *node { return nodes[random.IntN(len(nodes))] }

// spread prints a distribution.
func spread(all []time.Duration) string {
	if len(all) == 0 {
		return "none"
	}
	s := slices.Sorted(slices.Values(all))
	return fmt.Sprintf("p50 %s, p99 %s, longest %s of %d", ms(s[len(s)/2]), ms(s[len(s)*99/100]), ms(s[len(s)-1]), len(s))
}
