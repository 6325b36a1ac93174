package blocksync_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/blocksync"
	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
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

const sourceBlocks = 500

// history is what honest peers have: a chain of sourceBlocks blocks, made once.
type history struct {
	net     *chaintest.Network
	raw     [][]byte // raw[n] is block n, encoded; raw[0] is nil
	headers []*types.Header
}

var source = sync.OnceValue(func() *history {
	n := chaintest.New(4, 3)
	node, err := n.Open(nil, "source", chain.Options{})
	if err != nil {
		panic(err)
	}
	defer node.DB.Close()
	h := &history{net: n, raw: [][]byte{nil}, headers: []*types.Header{node.Chain.Head()}}
	for i := range sourceBlocks {
		var txs []*types.Transaction
		for j := range i % 3 { // empty blocks too
			u := n.Users[j]
			txs = append(txs, u.Transfer(crypto.CreateAddress(u.Address, u.Nonce), 1))
		}
		if _, err := n.Append(node.Chain, txs...); err != nil {
			panic(err)
		}
		raw, err := node.Chain.EncodedBlock(uint64(i + 1))
		if err != nil {
			panic(err)
		}
		h.raw, h.headers = append(h.raw, raw), append(h.headers, node.Chain.Head())
	}
	return h
})

// upTo is the history of a peer that has the first blocks only. It implements
// blocksync.Source.
type upTo uint64

func (u upTo) Head() *types.Header { return source().headers[u] }
func (u upTo) EncodedBlock(n uint64) ([]byte, error) {
	if n > uint64(u) {
		return nil, fmt.Errorf("block %d of %d: %w", n, u, chain.ErrNotFound)
	}
	return source().raw[n], nil
}

// behaviour answers one request.
type behaviour func(ctx context.Context, from, count uint64, onBlock func([]byte) error) error

// honest serves what a peer with the first blocks has.
func honest(blocks uint64) behaviour {
	server, err := blocksync.NewServer(upTo(blocks), small())
	if err != nil {
		panic(err)
	}
	return func(ctx context.Context, from, count uint64, onBlock func([]byte) error) error {
		return server.Serve(ctx, blocksync.EncodeRequest(from, count, 1<<30), onBlock)
	}
}

// altered is an honest peer whose blocks go through f, which returns what is
// sent in the place of block n.
func altered(f func(n uint64, raw []byte) [][]byte) behaviour {
	return func(ctx context.Context, from, count uint64, onBlock func([]byte) error) error {
		n := from
		return honest(sourceBlocks)(ctx, from, count, func(raw []byte) error {
			defer func() { n++ }()
			for _, x := range f(n, raw) {
				if err := onBlock(x); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

var errUnreachable = errors.New("connection refused")

// peers is a Fetcher over behaviours; it counts requests.
type peers struct {
	mu       sync.Mutex
	list     map[blocksync.Peer]behaviour
	requests map[blocksync.Peer]int
}

func network(list map[blocksync.Peer]behaviour) *peers {
	return &peers{list: list, requests: make(map[blocksync.Peer]int)}
}

func (p *peers) set(name blocksync.Peer, b behaviour) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list[name] = b
}

func (p *peers) asked(name blocksync.Peer) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests[name]
}

func (p *peers) Request(ctx context.Context, peer blocksync.Peer, request []byte, onBlock func([]byte) error) error {
	from, count, _, err := blocksync.DecodeRequest(request)
	if err != nil {
		return err
	}
	p.mu.Lock()
	b := p.list[peer]
	p.requests[peer]++
	p.mu.Unlock()
	if b == nil {
		return errUnreachable
	}
	return b(ctx, from, count, onBlock)
}

// small limits let 40 blocks show what 4,000 would.
func small() blocksync.Config {
	return blocksync.Config{MaxBlocks: 8, ResponseBytes: 64 << 10, MaxBlockBytes: 64 << 10, MemoryBytes: 512 << 10}
}

// node opens an empty node of the source's network.
func node(tb testing.TB) *chaintest.Node { return source().net.Node(tb) }

func newSyncer(tb testing.TB, c blocksync.Chain, net blocksync.Fetcher, cfg blocksync.Config) *blocksync.Syncer {
	tb.Helper()
	return must[*blocksync.Syncer](tb)(blocksync.New(c, net, cfg))
}

func at(tb testing.TB, c *chain.Chain, number uint64) {
	tb.Helper()
	if h := c.Head(); h.Number.Uint64() != number || h.Hash() != source().headers[number].Hash() {
		tb.Fatalf("the head is %d %s, want %d %s", h.Number, h.Hash(), number, source().headers[number].Hash())
	}
}
