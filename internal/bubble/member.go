package bubble

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/node"
	"github.com/quorate/quorate/node/config"
)

// Member is one node's place in the network: its directory with the keys, its
// disk, and the node that runs there now. One goroutine starts and stops it.
type Member struct {
	Dir     string
	ID      string         // node id
	Address common.Address // of the validator; zero for an observer
	Disk    *Disk
	Node    *node.Node // of the present life, or the last one

	c     *Cluster
	index int // in Cluster.Members
	life  int
	ip    string

	running bool
	cancel  context.CancelFunc
	done    chan error
	power   *power
	now     atomic.Pointer[life] // nil when none runs: for other goroutines
	onSend  atomic.Pointer[func(data []byte)]
}

// life is one run of a member's node.
type life struct {
	node  *node.Node
	power *power
	asked sync.RWMutex // held for reading by who asks the node, as its servers would
}

// ask calls f with the node if one runs with power. It reports whether the
// node still had power when f returned: else its answers were not heard.
func (m *Member) ask(f func(n *node.Node)) bool {
	l := m.live()
	if l == nil {
		return false
	}
	l.asked.RLock()
	defer l.asked.RUnlock()
	if m.now.Load() != l {
		return false // it is being stopped
	}
	f(l.node)
	return l.power.on()
}

// live returns the node that runs and has power, or nil.
func (m *Member) live() *life {
	if l := m.now.Load(); l != nil && l.power.on() {
		return l
	}
	return nil
}

// power is what a life has until it is cut.
type power struct {
	once   sync.Once
	off    atomic.Bool
	cut    chan struct{} // closed when it is off
	buried chan struct{} // closed when Stop begins
	disk   *vfs.MemFS    // what survived, after cut
	voted  map[string][]byte
}

// port of every node: addresses differ.
const port = 8000

// plan gives the next life an address, which others may learn before it
// begins.
func (m *Member) plan() {
	m.life++
	m.ip = fmt.Sprintf("1.%d.0.%d", m.life, m.index+1)
}

// Config returns the configuration of the present life: the files of the
// directory, and where everybody is now.
func (m *Member) Config() *config.Config {
	cfg, _, err := config.Load(m.Dir, nil, nil)
	if err != nil {
		m.c.T.Fatal(err)
	}
	cfg.DataDir = "data"
	cfg.P2P.Listen = []string{m.c.Sim.Listen(m.ip, port)}
	cfg.P2P.Peers = nil
	for _, o := range m.c.Members {
		if o != m {
			cfg.P2P.Peers = append(cfg.P2P.Peers, config.Peer{NodeID: o.ID, Address: m.c.Sim.Listen(o.ip, port)})
		}
	}
	return cfg
}

// Build builds a node of this member without starting it. On success the
// caller must run it.
func (m *Member) Build(cfg *config.Config) (*node.Node, error) {
	p := m.power
	return node.Build(cfg, m.c.log.With("node", m.index, "life", m.life), node.Options{
		FS: m.Disk, Transport: m.c.Sim.Transport(), Headless: true,
		OnFatal: func(err error) { m.c.T.Errorf("node %d: %v", m.index, err) },
		Tap: func(data []byte) {
			if p.off.Load() {
				<-p.buried // it does not leave: a dead engine does nothing more
				return
			}
			m.c.Votes.Saw(data)
			if f := m.onSend.Load(); f != nil {
				(*f)(data)
			}
		},
	})
}

// OnSend has f called with each consensus message of the node while it has
// power, just before it leaves, on the goroutine that sends it; nil ends that.
func (m *Member) OnSend(f func(data []byte)) {
	if f == nil {
		m.onSend.Store(nil)
		return
	}
	m.onSend.Store(&f)
}

// Start begins a life.
func (m *Member) Start() {
	m.c.T.Helper()
	m.StartWith(m.Config())
}

// StartWith begins a life with a configuration of the test's own.
func (m *Member) StartWith(cfg *config.Config) {
	m.c.T.Helper()
	m.power = &power{cut: make(chan struct{}), buried: make(chan struct{})}
	n, err := m.Build(cfg)
	if err != nil {
		m.c.T.Fatalf("node %d: %v", m.index, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	m.Node, m.cancel, m.done, m.running = n, cancel, make(chan error, 1), true
	m.now.Store(&life{node: n, power: m.power})
	go func() { m.done <- n.Run(ctx) }()
}

// Stop ends the life cleanly, if there is one, and plans the next.
func (m *Member) Stop() {
	if !m.running {
		return
	}
	m.running = false
	l := m.now.Swap(nil)
	l.asked.Lock()   // until those who ask have their answers
	l.asked.Unlock() //nolint:staticcheck // nobody asks from here on: see ask
	if m.power.off.Load() {
		<-m.power.cut
		m.unplug()
	}
	close(m.power.buried)
	m.cancel()
	if err := <-m.done; err != nil {
		m.c.T.Errorf("node %d: %v", m.index, err)
	}
	m.onSend.Store(nil)
	if p := m.power; p.off.Load() {
		m.Disk = newDisk(p.disk)
		m.restoreVoted()
	} else {
		m.Disk = newDisk(m.Disk.mem)
	}
	m.plan()
}

// Cut takes the node's power, now: what is not synced is lost (with rng, about
// half of it), and nothing leaves the node any more. It may be called from any
// goroutine, and from Disk.OnSync and OnSend; only the first call of a life
// counts. Stop then buries the node.
func (m *Member) Cut(rng *rand.Rand) {
	m.die(rng)
	m.unplug()
}

// CutAfterThis, called from OnSend, takes the power when the message at hand
// has left: it reaches the others, and whatever is not on the disk is lost.
func (m *Member) CutAfterThis(rng *rand.Rand) { m.die(rng) }

func (m *Member) die(rng *rand.Rand) {
	p := m.power
	p.once.Do(func() {
		p.off.Store(true)
		p.voted = m.readVoted() // before the disk: a journal may be newer than the file, never older
		p.disk = m.Disk.Survives(rng)
		close(p.cut)
	})
}

// unplug cuts the network cable of this life.
func (m *Member) unplug() {
	var others []string
	for _, o := range m.c.Members {
		others = append(others, o.ip)
	}
	m.c.Sim.Cut(m.ip, others...)
}

func (p *power) on() bool { return !p.off.Load() }

// HasPower reports whether the node runs.
func (m *Member) HasPower() bool { return m.live() != nil }

// PowerCut is closed when the present life has lost its power.
func (m *Member) PowerCut() <-chan struct{} { return m.power.cut }

// The file beside the key lies on the real disk. A dead node that is still
// being buried may write to it; that never happened.
func (m *Member) readVoted() map[string][]byte {
	out := map[string][]byte{}
	names, err := filepath.Glob(filepath.Join(m.Dir, "keystore", "voted-*.json"))
	if err != nil {
		m.c.T.Error(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			m.c.T.Error(err)
		}
		out[name] = data
	}
	return out
}

func (m *Member) restoreVoted() {
	for name, data := range m.power.voted {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			m.c.T.Error(err)
		}
	}
}

// Head returns the number and the hash of the newest final block.
func (m *Member) Head() (uint64, common.Hash) {
	h := m.Node.Chain().HeadSealed()
	return h.Header.Number.Uint64(), h.Hash()
}

func (m *Member) String() string {
	switch {
	case m.Node == nil:
		return fmt.Sprintf("node %d never started", m.index)
	case !m.running:
		n, hash := m.Head()
		return fmt.Sprintf("node %d (stopped, next life %d) head %d %s", m.index, m.life, n, hash)
	}
	n, hash := m.Head()
	executable, queued := m.Node.Pool().Stats()
	return fmt.Sprintf("node %d life %d head %d %s peers %d pool %d+%d: %s", m.index, m.life, n, hash, len(m.Node.Peers()), executable, queued, m.Node.Report().Line)
}
