package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// This file: real TCP connections that are cut, one way or both, or lose
// packets. Each node lives in a network namespace of its own, and so does the
// bridge between them: nothing here touches the machine's own network.

// split is a fleet in namespaces.
type split struct {
	*fleet
	hub   string           // the namespace of the bridge, in which the test's clients dial
	space map[*node]string // the namespace of a node
	at    map[*node]string // its address
}

// needNamespaces skips the test, and says so on standard error, where partitions
// cannot be made. Under CI, which runs as root and whose script installs the
// tools, that is a failure.
func needNamespaces(t *testing.T) {
	t.Helper()
	err := namespacesWork()
	if err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("partitions cannot be tested: %v (they need root, and apt-get install iproute2 nftables)", err)
	}
	fmt.Fprintf(os.Stderr, "\n*** NOT RUN: %s: partitions of the network are NOT tested here: %v\n\n", t.Name(), err)
	t.Skipf("NOT RUN: %v", err)
}

// namespacesWork makes a namespace with rules, and removes it: a container may
// be root and yet not be allowed to.
func namespacesWork() error {
	if os.Geteuid() != 0 {
		return errors.New("network namespaces need root")
	}
	for _, tool := range []string{"ip", "nft"} {
		if _, err := exec.LookPath(tool); err != nil {
			return err
		}
	}
	name := fmt.Sprintf("qe-try-%d", os.Getpid())
	if err := command("ip", "netns", "add", name); err != nil {
		return err
	}
	err := command("ip", "netns", "exec", name, "nft", gateTable)
	return errors.Join(err, command("ip", "netns", "del", name))
}

// gateTable is where a node's rules of what may come in stand.
const gateTable = "add table inet quorate; add chain inet quorate gate { type filter hook input priority 0; }"

func command(words ...string) error {
	if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(words, " "), err, out)
	}
	return nil
}

func (s *split) must(words ...string) {
	s.t.Helper()
	if err := command(words...); err != nil {
		s.t.Fatal(err)
	}
}

// startSplit makes a network of n validators in namespaces, and starts it.
func startSplit(t *testing.T, n int) *split {
	t.Helper()
	f := newFleet(t, n)
	tag := fmt.Sprintf("qe%d-%d", os.Getpid(), rand.IntN(1000))
	s := &split{fleet: f, hub: tag + "-hub", space: map[*node]string{}, at: map[*node]string{}}
	s.namespace(s.hub)
	in := func(space string, words ...string) { s.must(append([]string{"ip", "-n", space}, words...)...) }
	in(s.hub, "link", "add", "bridge", "type", "bridge")
	in(s.hub, "addr", "add", "10.99.0.254/24", "dev", "bridge")
	in(s.hub, "link", "set", "bridge", "up")
	var peers []string
	for i, v := range f.Validators {
		space, port := fmt.Sprintf("%s-%d", tag, i), fmt.Sprintf("port%d", i)
		s.namespace(space)
		s.space[v], s.at[v] = space, fmt.Sprintf("10.99.0.%d", i+1)
		in(s.hub, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", space)
		in(s.hub, "link", "set", port, "master", "bridge", "up")
		in(space, "addr", "add", s.at[v]+"/24", "dev", "eth0")
		in(space, "link", "set", "eth0", "up")
		s.must("ip", "netns", "exec", space, "nft", gateTable)
		peers = append(peers, v.NodeID+"@"+s.at[v]+":30303")
	}
	for i, v := range f.Validators {
		f.prefix[v] = []string{"ip", "netns", "exec", s.space[v]}
		others := append(append([]string{}, peers[:i]...), peers[i+1:]...)
		f.flags[v] = []string{
			"--p2p-listen", s.at[v] + ":30303", "--p2p-peers", strings.Join(others, ","),
			"--rpc-addr", s.at[v], "--rpc-port", "8545", "--rpc-allow-open", "yes", "--admin-addr", "127.0.0.1",
		}
		v.RPC, v.dial = "http://"+s.at[v]+":8545", s.dial
		v.connect(t)
	}
	f.start(f.Validators...)
	f.answer(f.Validators...)
	f.connected(f.Validators...)
	return s
}

func (s *split) namespace(name string) {
	s.must("ip", "netns", "add", name)
	s.t.Cleanup(func() {
		if err := command("ip", "netns", "del", name); err != nil {
			s.t.Error(err)
		}
	})
	s.must("ip", "-n", name, "link", "set", "lo", "up")
}

// dial opens a connection from the hub: a socket belongs to the namespace in
// which its thread was when it was made. The thread ends with its goroutine.
func (s *split) dial(ctx context.Context, network, address string) (net.Conn, error) {
	type result struct {
		c   net.Conn
		err error
	}
	done := make(chan result, 1)
	go func() {
		runtime.LockOSThread()
		space, err := os.Open("/var/run/netns/" + s.hub)
		if err != nil {
			done <- result{nil, err}
			return
		}
		defer space.Close()
		if err := unix.Setns(int(space.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- result{nil, err}
			return
		}
		c, err := (&net.Dialer{}).DialContext(ctx, network, address)
		done <- result{c, err}
	}()
	r := <-done
	return r.c, r.err
}

// deaf has a node hear nothing of others; with a rule, nothing that it matches.
// The test's own requests come from the hub, which is no node.
func (s *split) deaf(n *node, to []*node, rule ...string) {
	s.t.Helper()
	var from []string
	for _, o := range to {
		if o != n {
			from = append(from, s.at[o])
		}
	}
	s.must("ip", "netns", "exec", s.space[n], "nft", fmt.Sprintf("add rule inet quorate gate ip saddr { %s } %s drop", strings.Join(from, ", "), strings.Join(rule, " ")))
}

// cut separates two groups, both ways.
func (s *split) cut(a, b []*node) {
	s.t.Helper()
	for _, n := range a {
		s.deaf(n, b)
	}
	for _, n := range b {
		s.deaf(n, a)
	}
}

// heal removes every rule.
func (s *split) heal() {
	s.t.Helper()
	for _, space := range s.space {
		s.must("ip", "netns", "exec", space, "nft", "flush chain inet quorate gate")
	}
}

func partitionTime() time.Duration {
	if *long {
		return 20 * time.Second
	}
	return 3 * time.Second
}

// TestPartition: one network, cut in several ways, one after the other, under
// load. Who has a quorum goes on; after healing everybody votes again.
func TestPartition(t *testing.T) {
	fault(t)
	needNamespaces(t)
	s := startSplit(t, 4)
	l := s.startLoad(s.Validators, 8)
	s.served(l, 100)
	for range faultRounds(1, 3) {
		for _, row := range []struct {
			name string
			cut  func(primary *node)
		}{
			{"the primary cut off from all", func(p *node) { s.cut([]*node{p}, s.others(p)) }},
			{"the primary hears nobody", func(p *node) { s.deaf(p, s.others(p)) }},
			{"nobody hears the primary", func(p *node) {
				for _, n := range s.others(p) {
					s.deaf(n, []*node{p})
				}
			}},
		} {
			s.lonely(l, row.name, row.cut)
		}
		s.halves(l)
		s.lossy(l)
	}
	s.finish(l)
}

// lonely cuts the primary off: the others go on.
func (s *split) lonely(l *load, name string, cut func(*node)) {
	s.t.Helper()
	s.whole()
	primary := s.ask(s.Validators[0])
	stay := s.others(primary)
	watch := s.watchGap(stay, pollHeads)
	watch.begin()
	cut(primary)
	pause(s.t, partitionTime())
	s.served(l, 50)
	gap, seen := watch.end(takeOver, primary.Name+", "+name)
	s.heal()
	back := time.Now()
	again := s.votesAgain(primary, s.headOf(stay[0]), back)
	met := s.connected(s.Validators...)
	s.t.Logf("%s: time without a block %s (promised %s), as a client sees it %s; votes %s after healing (promised %s), all connected %s later", name, ms(gap), takeOver, ms(seen), ms(again), rejoin, ms(met))
}

// halves splits two and two: nobody has a quorum.
func (s *split) halves(l *load) {
	s.t.Helper()
	s.whole()
	s.cut(s.Validators[:2], s.Validators[2:])
	pause(s.t, time.Second) // what is under way
	stands := max(s.headOf(s.Validators[0]), s.headOf(s.Validators[3]))
	pause(s.t, partitionTime())
	for _, n := range s.Validators {
		if now := s.headOf(n); now > stands {
			s.t.Errorf("%s went on without a quorum from block %d to %d", n.Name, stands, now)
		}
	}
	s.heal()
	began := time.Now()
	s.served(l, 20)
	resumed := s.resumed(began)
	for _, n := range s.Validators {
		s.votesAgain(n, stands, began)
	}
	s.t.Logf("two and two: stood, receipts %s after healing (promised %s), all four vote after %s", ms(resumed), rejoin, ms(time.Since(began)))
}

// lossy drops a fifth of all packets between nodes: it goes on, slower.
func (s *split) lossy(l *load) {
	s.t.Helper()
	for _, n := range s.Validators {
		s.deaf(n, s.Validators, "numgen random mod 100 < 20")
	}
	seen, end := pollHeads(s.t, s.Validators[0])
	began, before := time.Now(), l.served()
	pause(s.t, partitionTime())
	s.served(l, 20)
	rate := float64(l.served()-before) / time.Since(began).Seconds()
	gap := seen.gap(began)
	end()
	s.heal()
	s.t.Logf("a fifth of all packets lost: %.0f receipts per second, longest time without a block %s", rate, ms(gap))
}
