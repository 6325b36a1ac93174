package statesync_test

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"sync"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/state"
	"github.com/quorate/quorate/statesync"
)

var ctx = context.Background()

func fatal(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func must[T any](tb testing.TB) func(T, error) T {
	return func(v T, err error) T {
		tb.Helper()
		fatal(tb, err)
		return v
	}
}

// The world of the tests: epochs of ten blocks, thousands of accounts, many small
// contracts, and one whose slots take many ranges.
const (
	epochLength = 10
	contracts   = 60
)

// size is how much state a world has beside the small contracts.
type size struct {
	plain int // accounts
	slots int // of the big contract
}

var (
	large = size{3000, 4000}
	tiny  = size{300, 500}
)

// shelved is what a node serves from: its chain and its state.
type shelved struct {
	*chain.Chain
	*state.State
}

// Config exists twice; nobody here asks.
func (shelved) Config() {}

// world is a network with one node that has blocks.
type world struct {
	*chaintest.Network
	size  size
	node  *chaintest.Node
	shelf *statesync.Shelf
}

func newWorld(t testing.TB, z size, blocks int, cfg statesync.Config) *world {
	t.Helper()
	n := chaintest.New(4, 3, func(g *genesis.Genesis) {
		g.Params.EpochLength = epochLength
		for i := range z.plain {
			g.Alloc[common.BytesToAddress(crypto.Keccak256(fmt.Appendf(nil, "plain %d", i)))] = types.Account{Balance: big.NewInt(int64(i) + 1)}
		}
		for i := range contracts {
			slots, count := map[common.Hash]common.Hash{}, i%4
			if i == 7 {
				count = z.slots
			}
			for s := range count {
				slots[common.BigToHash(big.NewInt(int64(s)))] = common.BigToHash(big.NewInt(int64(s + i + 1)))
			}
			g.Alloc[common.BytesToAddress(crypto.Keccak256(fmt.Appendf(nil, "contract %d", i)))] = types.Account{
				Balance: new(big.Int), Code: fmt.Appendf(nil, "code %d", i%20), Storage: slots,
			}
		}
	})
	w := &world{Network: n, size: z, node: n.Node(t)}
	w.shelf = must[*statesync.Shelf](t)(statesync.NewShelf(shelved{w.node.Chain, w.node.State}, cfg))
	t.Cleanup(func() { fatal(t, w.shelf.Close()) })
	w.grow(t, blocks)
	return w
}

// grow appends blocks with transfers, as a validator does: it tells the shelf.
func (w *world) grow(t testing.TB, blocks int) {
	t.Helper()
	c := w.node.Chain
	for range blocks {
		e := c.CurrentEpoch()
		h := must[*types.Header](t)(w.Append(c, w.Users[0].Transfer(common.Address{9}, 1)))
		if h.Number.Uint64() != uint64(e.Last()) {
			continue
		}
		fatal(t, w.shelf.Ended(c.HeadSealed().BatchHeader.TimeMs))
		fatal(t, c.SetCheckpoint(w.CertifyCheckpoint(must[chain.CheckpointData](t)(c.CheckpointData(e.Epoch)))))
		fatal(t, w.shelf.Stable(c.Checkpoints()))
	}
}

// behaviour answers a request as a peer.
type behaviour func(ctx context.Context, request []byte, onChunk func([]byte) error) error

func (w *world) honest() behaviour {
	return statesync.NewServer(w.shelf).Serve
}

// network is a network of behaviours.
type network struct {
	mu    sync.Mutex
	peers map[statesync.Peer]behaviour
	count map[statesync.Peer]int
}

func newNetwork(peers map[statesync.Peer]behaviour) *network {
	return &network{peers: peers, count: map[statesync.Peer]int{}}
}

var errUnreachable = errors.New("unreachable")

// Request implements statesync.Network.
func (n *network) Request(ctx context.Context, peer statesync.Peer, request []byte, onChunk func([]byte) error) error {
	n.mu.Lock()
	b := n.peers[peer]
	n.count[peer]++
	n.mu.Unlock()
	if b == nil {
		return errUnreachable
	}
	return b(ctx, request, onChunk)
}

// Peers implements statesync.Network.
func (n *network) Peers() []statesync.Peer {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []statesync.Peer
	for p := range n.peers {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

func (n *network) set(peer statesync.Peer, b behaviour) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.peers[peer] = b
}

func (n *network) asked(peer statesync.Peer) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.count[peer]
}

// small are limits at which the world takes many requests.
func small() statesync.Config { return statesync.Config{RangeBytes: 4 << 10} }

func newClient(t testing.TB, n *chaintest.Node, net statesync.Network, cfg statesync.Config) *statesync.Client {
	t.Helper()
	return must[*statesync.Client](t)(statesync.NewClient(n.DB, n.Chain, net, cfg))
}

func always(uint64) bool { return true }

// arrived fails unless a node has the state of a block of the world, whole, and can
// go on with its blocks.
func (w *world) arrived(t testing.TB, n *chaintest.Node, at uint64) {
	t.Helper()
	if head := n.Chain.Head(); head.Number.Uint64() != at || head.Hash() != w.node.Chain.GetHash(at) {
		t.Fatalf("the head is %d %s, want %d %s", head.Number, head.Hash(), at, w.node.Chain.GetHash(at))
	}
	if w.node.Chain.Head().Number.Uint64() == at {
		w.grow(t, 3)
	}
	for number := at + 1; number <= w.node.Chain.Head().Number.Uint64(); number++ {
		b := must[*chain.SealedBlock](t)(chain.DecodeSealedBlock(must[[]byte](t)(w.node.Chain.EncodedBlock(number))))
		fatal(t, n.Chain.Import(ctx, b))
	}
	v := must[*state.View](t)(n.State.Latest())
	defer v.Close()
	many := common.BytesToAddress(crypto.Keccak256([]byte("contract 7")))
	for s := range w.size.slots {
		if got := v.StateDB.GetState(many, common.BigToHash(big.NewInt(int64(s)))); got != common.BigToHash(big.NewInt(int64(s)+8)) {
			t.Fatalf("slot %d is %s", s, got)
		}
	}
	if code := v.StateDB.GetCode(many); string(code) != "code 7" {
		t.Fatalf("code %q", code)
	}
	if c, err := n.Chain.Epoch(consensus.Epoch(0)); err != nil || c.Set.Len() != 4 {
		t.Fatalf("epoch 0: %v", err)
	}
}
