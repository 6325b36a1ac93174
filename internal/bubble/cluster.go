package bubble

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/keys"
	"github.com/quorate/quorate/node/devnet"
	"github.com/quorate/quorate/p2p/p2ptest"
)

// Latency of the simulated network, one way: that of a region, so that virtual
// seconds have a few dozen blocks and messages overlap.
const Latency = 25 * time.Millisecond

// born is the timestamp of block 0: just before a bubble's time begins.
const born = 946_684_700

// Spec says what network a test wants.
type Spec struct {
	Validators int // 0 = four
	Observers  int
	Params     func(*consensus.Params) // changes the devnet's parameters; may be nil
	Recovery   genesis.Recovery
}

// Cluster is one network of whole nodes in a bubble.
type Cluster struct {
	T       *testing.T
	Sim     *p2ptest.Sim
	Genesis *genesis.Genesis
	Domain  consensus.Domain
	Set     *consensus.ValidatorSet
	Users   []devnet.Account // funded
	Votes   *Recorder
	Members []*Member // validators in the set's order, then observers

	log   *slog.Logger
	loads []*Load
}

// Run makes a network in a temporary directory and calls body in a bubble.
// Nothing is started. What still runs when body returns is stopped.
func Run(t *testing.T, s Spec, body func(c *Cluster)) {
	t.Helper()
	if s.Validators == 0 {
		s.Validators = 4
	}
	dir := filepath.Join(t.TempDir(), "net")
	spec, err := devnet.Spec{Validators: s.Validators, Observers: s.Observers, Timestamp: born, Host: "127.0.0.1", Ports: devnet.DefaultPorts}.Devnet()
	if err != nil {
		t.Fatal(err)
	}
	spec.Strength, spec.Recovery = keys.None, s.Recovery
	if s.Params != nil {
		s.Params(&spec.Params)
	}
	if _, err := devnet.Generate(context.Background(), dir, spec); err != nil {
		t.Fatal(err)
	}
	g, err := genesis.Load(filepath.Join(dir, "genesis.json"))
	if err != nil {
		t.Fatal(err)
	}
	users, err := devnet.Accounts()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		c := &Cluster{T: t, Sim: p2ptest.New(Latency), Genesis: g, Domain: g.Domain(), Set: g.ValidatorSet(), Users: users, log: logger(t)}
		c.Votes = NewRecorder(func(what string) { t.Error(what) })
		if err := c.addMembers(dir, spec); err != nil {
			t.Fatal(err)
		}
		c.Sim.Start()
		defer c.Sim.Close()
		defer func() {
			for _, l := range c.loads {
				l.Stop()
			}
			for _, m := range c.Members {
				m.Stop()
			}
		}()
		body(c)
	})
}

// logger says nothing, or everything to the test's log if QUORATE_TEST_LOG is
// set to a level.
func logger(t *testing.T) *slog.Logger {
	level := slog.Level(0)
	if text := os.Getenv("QUORATE_TEST_LOG"); text == "" || level.UnmarshalText([]byte(text)) != nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: level}))
}

// addMembers makes a member for each node, validators in the set's order.
func (c *Cluster) addMembers(dir string, s devnet.Spec) error {
	c.Members = make([]*Member, s.Validators, s.Validators+s.Observers)
	for i, v := range c.Genesis.Validators {
		index, ok := c.Set.Index(v.Address)
		if !ok {
			return fmt.Errorf("validator %s is not in the set", v.Address)
		}
		c.Members[index] = &Member{c: c, Dir: filepath.Join(dir, fmt.Sprintf("validator-%d", i)), ID: v.NodeID, Address: v.Address}
	}
	for i, o := range c.Genesis.Permissions.Observers {
		c.Members = append(c.Members, &Member{c: c, Dir: filepath.Join(dir, fmt.Sprintf("observer-%d", i)), ID: o.NodeID})
	}
	for i, m := range c.Members {
		m.index, m.Disk = i, newDisk(vfs.NewCrashableMem())
		m.plan()
	}
	return nil
}

// Newcomer makes a member that is not in genesis, with keys of its own. Nothing that
// looks at Members may run, as loads do.
func (c *Cluster) Newcomer(name string) *Member {
	c.T.Helper()
	dir := filepath.Join(c.T.TempDir(), name)
	v, err := devnet.Newcomer{
		Member: devnet.Member{Name: name, Address: "127.0.0.1:1", Dir: dir, Strength: keys.None}, Genesis: c.Genesis,
	}.Make(context.Background())
	if err != nil {
		c.T.Fatal(err)
	}
	m := &Member{c: c, Dir: dir, ID: v.NodeID, Address: v.Address, index: len(c.Members), Disk: newDisk(vfs.NewCrashableMem())}
	m.plan()
	c.Members = append(c.Members, m)
	return m
}

// Validators returns the members with a vote, in the set's order; with a
// stable primary the first is the primary.
func (c *Cluster) Validators() []*Member { return c.Members[:c.Set.Len()] }

// meshed is how long after the last connection the gossip mesh takes to form;
// what is published before comes a rebroadcast later.
const meshed = time.Second

// StartAll starts members and waits until each sees all the others and gossip
// reaches everybody.
func (c *Cluster) StartAll(members ...*Member) {
	c.T.Helper()
	for _, m := range members {
		m.Start()
	}
	c.Within(30*time.Second, "every node sees the others", func() bool {
		for _, m := range members {
			if len(m.Node.Peers()) < len(members)-1 {
				return false
			}
		}
		return true
	})
	time.Sleep(meshed)
}

// pollEvery is how often Within looks, in virtual time.
const pollEvery = 10 * time.Millisecond

// Within waits for a condition, at most d of virtual time.
func (c *Cluster) Within(d time.Duration, what string, done func() bool) {
	c.T.Helper()
	for end := time.Now().Add(d); !done(); time.Sleep(pollEvery) {
		if time.Now().After(end) {
			c.T.Fatalf("not within %v: %s\n%s", d, what, c)
		}
	}
}

// String shows every member in one line each.
func (c *Cluster) String() string {
	out := ""
	for _, m := range c.Members {
		out += m.String() + "\n"
	}
	return out
}
